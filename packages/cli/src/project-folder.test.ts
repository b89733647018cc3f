import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { runEasel } from '../testing/run-easel.js';
import { makeProject } from './project-folder.js';

let root: string;
const before = process.cwd();
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'easel-project-'));
});
afterEach(() => {
  process.chdir(before);
  rmSync(root, { recursive: true });
});

test('a project trains where it lies, with no path of the repository', async () => {
  const made = await runEasel('init', join(root, 'cats'));
  expect(made.code).toBe(0);
  const names = ['README.md', 'vqgan.json', 'seq2seq.json', '.gitignore'];
  expect(made.stdout.trim().split('\n')).toEqual(names.map((name) => join(root, 'cats', name)));
  process.chdir(join(root, 'cats'));
  for (const name of names) expect(readFileSync(name, 'utf8')).not.toMatch(/emoji|configs\//);
  for (let n = 0; n < 2; n++) {
    const pixels = { width: 64, height: 64, channels: 3, background: { r: 90 * n, g: 50, b: 9 } } as const;
    await sharp({ create: pixels }).png().toFile(`pictures/${n}.png`);
    writeFileSync(`pictures/${n}.txt`, `cat ${n}`);
  }
  // The commands of its README, the trainings as plans.
  const commands = [
    ...readFileSync('README.md', 'utf8').matchAll(/^npx easel (train|train-vqgan) (.+?) +#/gm),
  ];
  expect(commands.map(([, command]) => command)).toEqual(['train-vqgan', 'train']);
  const [, command, rest] = commands[0] as unknown as [string, string, string];
  const plan = await runEasel(command, ...rest.split(' '), '--set', 'batchSize=2', '--dry-run', '--json');
  expect([plan.code, plan.stderr]).toEqual([0, expect.anything()]);
  expect(JSON.parse(plan.stdout)).toHaveProperty('parameters');
  const text = await runEasel('train', 'seq2seq.json', '--out', 'runs/seq2seq', '--dry-run');
  expect(text.stderr).toContain('runs/'); // what it needs of the steps before it is named
});

test('nothing is overwritten, and nothing is written then', async () => {
  writeFileSync(join(root, 'vqgan.json'), '{}');
  await expect(makeProject(root, { pictures: 'pictures' })).rejects.toThrow(
    `${root}: vqgan.json is there already, and nothing is overwritten`,
  );
  expect(existsSync(join(root, 'README.md'))).toBe(false);
});

test('pictures that are elsewhere are named in settings and commands, as a shell reads them', async () => {
  await makeProject(join(root, 'a'), { pictures: '../my photos' });
  expect(JSON.parse(readFileSync(join(root, 'a', 'vqgan.json'), 'utf8')).data.train).toBe('../my photos');
  expect(readFileSync(join(root, 'a', 'README.md'), 'utf8')).toContain("easel encode '../my photos' --vqgan");
  expect(existsSync(join(root, 'my photos'))).toBe(false);
});
