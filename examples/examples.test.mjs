// Runs every example as its README says, in a folder of its own. They use the packages as they are built.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { writeTinyClip } from '../packages/cli/testing/tiny-clip.ts';
import { serveFiles } from '../packages/core/testing/file-server.ts';
import { findChromium, startChromium } from '../packages/draw/testing/chromium.ts';

const here = import.meta.dirname;
const root = join(here, '..');
let folder;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'easel-examples-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs Node in `folder`. Returns the lines on stdout, or throws an error with what was on stderr. */
async function node(args, input = '') {
  const child = spawn(process.execPath, args, { cwd: folder });
  child.stdin.end(input);
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((resolve) => child.on('close', resolve)),
  ]);
  if (code !== 0) throw new Error(`node ${args.join(' ')} ended with ${code}:\n${stderr}`);
  return stdout.trimEnd().split('\n');
}

const example = (name, ...args) => node([join(here, name), ...args]);
const easel = (...args) => node([join(root, 'packages', 'cli', 'bin', 'easel.js'), ...args]);

/** Mean colour of a picture, as [red, green, blue]. */
async function colourOf(file) {
  const { channels } = await sharp(file).stats();
  return channels.slice(0, 3).map(({ mean }) => mean);
}

test('the table of README.md names them all', () => {
  const readme = readFileSync(join(here, 'README.md'), 'utf8');
  const all = readdirSync(here).filter((name) => !/README|\.test\./.test(name));
  expect([...readme.matchAll(/^\| \[([^\]]+)\]/gm)].map(([, name]) => name).sort()).toEqual(all.sort());
});

test('draw.mjs draws a red heart, redder than anything else', async () => {
  expect(await example('draw.mjs')).toEqual(['picture.png']);
  const [red, green, blue] = await colourOf(join(folder, 'picture.png'));
  expect(red).toBeGreaterThan(green + 20);
  expect(red).toBeGreaterThan(blue + 20);
});

test('rank.mjs writes nine pictures, the best one first', async () => {
  writeTinyClip(join(folder, 'clip'));
  const lines = await example('rank.mjs', 'clip', 'a pizza');
  const scores = lines.map((line) => Number(line.match(/score (-?[\d.]+)$/)?.[1]));
  expect(scores).toHaveLength(9);
  expect(scores).toEqual([...scores].sort((a, b) => b - a));
  expect(new Set(lines.map((line) => line.match(/picture (\d)/)?.[1])).size).toBe(9);
  for (let place = 1; place <= 9; place++) expect(existsSync(join(folder, `${place}.png`))).toBe(true);
});

test('bot.mjs answers those who ask, and no one else', async () => {
  const lines = await node([join(here, 'bot.mjs')], 'hello\n!draw a red heart\n!draw a rocket\n!draw  \n');
  expect(lines.sort()).toEqual(['#2 a red heart: answer-2.png', '#3 a rocket: answer-3.png']);
  expect(readFileSync(join(folder, 'answer-2.png'))).not.toEqual(readFileSync(join(folder, 'answer-3.png')));
});

test.each([
  ['layers.mjs', 'accuracy', 0.9],
  ['native-backend.mjs', 'accuracy', 0.8],
])('%s learns what it is given', async (name, figure, least) => {
  const [line] = await example(name);
  expect(Number(line.match(new RegExp(`${figure} ([\\d.]+)`))?.[1])).toBeGreaterThan(least);
});

test('own-optimizer.mjs finds the minimum', async () => {
  const [line] = await example('own-optimizer.mjs');
  expect(line).toMatch(/after 600 steps of Lion$/);
  expect(Number(line.match(/loss ([\d.]+)/)?.[1])).toBeLessThan(0.05);
});

test('own-source.mjs stands where a folder of pictures stands', async () => {
  const source = `${join(here, 'own-source.mjs')}?count=16`;
  await easel('tokenizer', 'train', source, '--out', 'tokenizer', '--vocab-size', '300');
  expect(readFileSync(join(folder, 'tokenizer', 'merges.txt'), 'utf8')).toContain('r e');
  const plan = ['--out', 'run', '--set', `data.train=${source}`, '--dry-run', '--batch-picture', 'batch.png'];
  await easel('train-vqgan', 'configs/train/emoji-vqgan.json', ...plan, '--set', 'batchSize=4', '--quiet');
  // Shapes on white paper.
  expect(Math.min(...(await colourOf(join(folder, 'batch.png'))))).toBeGreaterThan(100);
});

const chromium = findChromium();
let browser;
beforeAll(async () => {
  if (chromium !== undefined) browser = await startChromium(chromium);
});
afterAll(() => browser?.close());

test('browser-page is built by vite, and draws in Chromium if there is one on the PATH', async () => {
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const site = join(folder, 'site');
  await node([vite, 'build', join(here, 'browser-page'), '--outDir', site, '--logLevel', 'error']);
  const names = readdirSync(site, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = names.map((entry) => join(entry.parentPath, entry.name));
  const files = new Map(
    paths.map((path) => [path.slice(site.length + 1).replaceAll('\\', '/'), readFileSync(path)]),
  );
  expect([...files.keys()]).toEqual(
    expect.arrayContaining([
      'index.html',
      'model/vqgan/model.safetensors',
      'wasm/tfjs-backend-wasm-simd.wasm',
    ]),
  );
  if (browser === undefined) return;
  const server = await serveFiles(files);
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(200_000); // a busy machine
    const errors = [];
    page.on('pageerror', ({ message }) => errors.push(message));
    await page.goto(`${server.address}/index.html`);
    await page.getByText('Ready (wasm).').waitFor();
    await page.getByRole('button').click();
    await page.getByText('Drew a red heart.').waitFor();
    expect(errors).toEqual([]);
    const pixels = await page.evaluate(
      "[...document.querySelector('canvas').getContext('2d').getImageData(32, 32, 1, 1).data]",
    );
    expect(pixels[0]).toBeGreaterThan(pixels[1] + 60); // the middle of a red heart
  } finally {
    await server.close();
  }
});
