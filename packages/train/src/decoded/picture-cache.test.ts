import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataError } from '@easel/core';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { drawPictures } from '../../testing/drawings.js';
import { openPictureFolder } from '../sources/picture-folder.js';
import type { PictureSource } from '../sources/picture-source.js';
import { decodePicture, defaultPictureShape } from './decode-picture.js';
import { cachePictures, gatherPixels } from './picture-cache.js';

let folder: string;
const shape = { size: 8, ...defaultPictureShape };
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'easel-cache-'));
  await drawPictures(folder, 40); // more than are decoded at a time
  writeFileSync(join(folder, 'black-broken.png'), 'broken');
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('pictures lie one after another as decodePicture gives them; broken ones are left out', async () => {
  const pictures = await openPictureFolder(folder, { captions: false });
  const progress: [number, number][] = [];
  const cache = await cachePictures(pictures, shape, {
    limitMiB: 1,
    onProgress: (...at) => progress.push(at),
  });
  expect(cache.files).toHaveLength(40);
  expect(cache.skipped.map(({ file }) => file)).toEqual(['black-broken.png']);
  expect(progress).toEqual([
    [32, 41],
    [41, 41],
  ]);
  const chosen = [39, 3];
  const pixels = gatherPixels(cache, chosen);
  for (const [i, row] of chosen.entries()) {
    const alone = await decodePicture(join(folder, cache.files[row] as string), shape);
    expect([...pixels.subarray(i * 192, (i + 1) * 192)]).toEqual([...alone]);
  }
});

test('the digest follows pixels and shape', async () => {
  const all = await openPictureFolder(folder, { captions: false });
  const part = (from: number, to: number): PictureSource => ({
    ...all,
    length: to - from,
    read: () => all.read({ from, to }),
  });
  const digest = async (changes: object, source = part(3, 6)) =>
    (await cachePictures(source, { ...shape, ...changes }, { limitMiB: 1 })).digest;
  const first = await digest({});
  expect(await digest({})).toBe(first);
  expect(await digest({ size: 16 })).not.toBe(first);
  expect(await digest({}, part(3, 5))).not.toBe(first);
});

test('too many pictures for the limit, and an aborted signal', async () => {
  const pictures = await openPictureFolder(folder, { captions: false });
  await expect(cachePictures(pictures, { ...shape, size: 256 }, { limitMiB: 7 })).rejects.toThrow(DataError);
  await expect(cachePictures(pictures, { ...shape, size: 256 }, { limitMiB: 7 })).rejects.toThrow(
    /need 8 MiB/,
  );
  await expect(cachePictures(pictures, shape, { limitMiB: 1, signal: AbortSignal.abort() })).rejects.toThrow(
    /abort/i,
  );
});
