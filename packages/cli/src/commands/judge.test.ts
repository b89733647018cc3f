import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend } from '@easel/core';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import sharp from 'sharp';
import { tinyVqganConfig, writeTinyModel, writeTinyVqgan } from '../../../draw/testing/tiny-model.js';
import { runEasel, testBackend } from '../../testing/run-easel.js';

jest.setTimeout(300_000); // a busy machine

let root: string;
let model: string;
beforeAll(async () => {
  await selectBackend(testBackend);
  root = mkdtempSync(join(tmpdir(), 'easel-judge-'));
  model = join(root, 'model');
  await writeTinyModel(model);
  // Pictures of 16 pixels from the same 4×4 codes.
  await writeTinyVqgan(join(model, 'vqgan'), { ...tinyVqganConfig, ch_mult: [1, 1, 1], resolution: 16 });
  writeFileSync(
    join(root, 'judged.mjs'),
    `export const options = { value: { default: 255, about: 'brightness' } };
     const comparison = (right) => [{ right, contrasts: () => ['red', 'blue'].filter((name) => name !== right) }];
     export const open = ({ value }) => ({
       kinds: ['plain'],
       prompts: (kind, count) =>
         ['red', 'blue']
           .map((right) => ({ prompt: 'a ' + right + ' dog', split: 'seen', right, axes: { colour: comparison(right) } }))
           .slice(0, count),
       render: (name, size) =>
         Uint8Array.from({ length: size * size * 3 }, (_, i) => (i % 3 === (name === 'red' ? 0 : 2) ? value : 0)),
     });`,
  );
});
afterAll(() => rmSync(root, { recursive: true }));

const judge = (...args: string[]) => runEasel('judge', ...args, '--model', model);
const set = () => join(root, 'judged.mjs');

test('a table on stdout; a sheet', async () => {
  const sheet = join(root, 'out', 'sheet.png');
  const { code, stdout, stderr } = await judge(
    ...[`${set()}?value=200`, '--guidance', '1,2', '--temperature', '0.5', '--ceiling', '--sheet', sheet],
  );
  expect([code, stderr]).toEqual([0, expect.stringContaining('judging  4/4 pictures')]);
  const [heads, line, note] = stdout.split('\n');
  expect(heads).toMatch(
    /^kind +split +axis +prompts +chance +ceiling +guidance 1, T 0\.5, top-k \d+ +guidance 2, T 0\.5, top-k \d+$/,
  );
  expect(line).toMatch(
    /^plain +seen +colour +2 +50 +[\d.]+ +[\d.]+ \([\d.]+–[\d.]+\) +[\d.]+ \([\d.]+–[\d.]+\)$/,
  );
  expect(note).toBe('Percent right, with 95 % intervals.');
  // Two drawings beside what they should be: 2 × 16 pixels and three edges of 2 each.
  expect((await sharp(sheet).metadata()).width).toBeGreaterThanOrEqual(2 * (2 * 16 + 3 * 2));
});

test('all numbers and verdicts as JSON; several drawings of a prompt count by their share', async () => {
  const { code, stdout } = await judge(set(), '--json', '--quiet', '--images', '3', '--prompts', '1');
  expect(code).toBe(0);
  const all = JSON.parse(stdout);
  expect(all).toMatchObject({ set: set(), prompts: 1, images: 3, seed: 0, complete: true });
  expect(all.verdicts).toHaveLength(1);
  const { right, ceiling } = all.verdicts[0].axes.colour;
  expect(all.rows[0]).toMatchObject({ kind: 'plain', prompts: 1, ceiling: null });
  expect([all.rows[0].results[0].right, ceiling]).toEqual([right[0], null]);
  expect([0, 1 / 3, 2 / 3, 1]).toContain(right[0]);
});

test('by pictures: those that are nearest to another one are named', async () => {
  const pictures = join(root, 'pictures');
  mkdirSync(pictures);
  for (const colour of ['red', 'blue']) {
    const create = { width: 16, height: 16, channels: 3 as const, background: colour };
    await sharp({ create })
      .png()
      .toFile(join(pictures, `${colour}.png`));
    writeFileSync(join(pictures, `${colour}.txt`), `a ${colour} dog`);
  }
  const args = [pictures, '--images', '2', '--misses', '9'];
  const { stdout } = await judge(...args, '--json', '--quiet');
  const { top1, missed } = JSON.parse(stdout);
  expect(top1).toBe(100 - 25 * missed.length);
  const shown = await judge(...args, '--quiet');
  expect(shown.stdout.split('\n').slice(1, -1)).toEqual(
    missed.map(
      ({ prompt, drawing, nearest }: Record<string, string>) =>
        `${prompt}, drawing ${Number(drawing) + 1}: nearest to ${nearest}`,
    ),
  );
  expect(missed.length).toBeGreaterThan(0);
});

test('what is refused', async () => {
  const refusal = async (...args: string[]) => {
    const { code, stderr } = await judge(...args, '--quiet');
    return [code, stderr];
  };
  expect(await refusal(set(), '--kinds', 'plan')).toEqual([
    1,
    expect.stringContaining('Did you mean "plain"?'),
  ]);
  expect(await refusal(set(), '--guidance', '1,x')).toEqual([
    2,
    expect.stringContaining('--guidance: expected'),
  ]);
  expect(await refusal(set(), '--sheet', 'a.jpg')).toEqual([
    2,
    expect.stringContaining('expected the name of a PNG'),
  ]);
  expect(await refusal(set(), '--list', 'plain')).toEqual([
    2,
    expect.stringContaining('this goes with pictures'),
  ]);
  expect(await refusal(root, '--ceiling')).toEqual([2, expect.stringContaining('goes with a module')]);
});
