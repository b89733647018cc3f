import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataError } from '@easel/core';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { openPictures } from '../sources/open-pictures.js';
import { judgedCaptions } from './judged-captions.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'easel-judged-captions-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

async function picture(name: string, colour: string, captions: string): Promise<void> {
  const create = { width: 20, height: 10, channels: 3 as const, background: colour };
  await sharp({ create })
    .png()
    .toFile(join(root, `${name}.png`));
  if (captions !== '') writeFileSync(join(root, `${name}.txt`), captions);
}

test('a caption asks for its picture; pictures that share one are one concept', async () => {
  await picture('a', 'red', 'a red wall\na wall\na red wall');
  await picture('b', 'lime', 'a wall\na green wall');
  await picture('c', 'blue', 'a blue wall');
  await picture('d', 'black', '');
  writeFileSync(join(root, 'e.png'), 'broken');
  writeFileSync(join(root, 'e.txt'), 'a broken wall');
  const { prompts, gallery, skipped } = await judgedCaptions(await openPictures(root), { fit: 'contain' });
  const [a, c, d] = ['a', 'c', 'd'].map((name) => gallery.get(`${name}.png`)?.concept);
  expect(prompts).toEqual([
    { prompt: 'a red wall', file: 'a.png', concept: a },
    { prompt: 'a wall', file: 'b.png', concept: a },
    { prompt: 'a green wall', file: 'b.png', concept: a },
    { prompt: 'a blue wall', file: 'c.png', concept: c },
  ]);
  expect([...gallery.keys()]).toEqual(['a.png', 'b.png', 'c.png', 'd.png']);
  expect(gallery.get('b.png')?.concept).toBe(a);
  expect(new Set([a, c, d]).size).toBe(3);
  expect(skipped).toBe(1);
  // contained: white above, the colour in the middle
  const red = gallery.get('a.png')?.features as Float32Array;
  expect([...red.slice(0, 3), ...red.slice(8 * 16 * 3, 8 * 16 * 3 + 3)]).toEqual([1, 1, 1, 1, 0, 0]);
});

test('no caption of a picture that can be decoded', async () => {
  await picture('a', 'red', '');
  writeFileSync(join(root, 'e.png'), 'broken');
  writeFileSync(join(root, 'e.txt'), 'a broken wall');
  const source = await openPictures(root);
  await expect(judgedCaptions(source)).rejects.toThrow(DataError);
  await expect(judgedCaptions(source)).rejects.toThrow(/no caption in it belongs to a picture/);
});
