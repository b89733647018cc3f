import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataError } from '@easel/core';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { PictureError, type SkippedPicture } from '../sources/picture-source.js';
import { defaultPictureShape } from './decode-picture.js';
import { type DecodablePicture, decodeBatches } from './picture-batches.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'easel-batches-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const shape = { size: 8, ...defaultPictureShape };

async function picture(file: string, red: number): Promise<DecodablePicture> {
  const path = join(folder, file);
  const background = { r: red, g: 0, b: 0 };
  await sharp({ create: { width: 8, height: 8, channels: 3, background } })
    .png()
    .toFile(path);
  return { file, path, bytes: async () => readFileSync(path) };
}

async function batchesOf(
  pictures: Iterable<DecodablePicture> | AsyncIterable<DecodablePicture>,
  batchSize: number,
) {
  const skipped: SkippedPicture[] = [];
  const batches: { files: string[]; firsts: number[]; taken: number }[] = [];
  for await (const { pictures: kept, pixels, taken } of decodeBatches(pictures, {
    batchSize,
    shape,
    onSkip: (skip) => skipped.push(skip),
  })) {
    expect(pixels).toHaveLength(kept.length * 8 * 8 * 3);
    batches.push({
      files: kept.map(({ file }) => file),
      firsts: [...pixels].filter((_, i) => i % 192 === 0),
      taken,
    });
  }
  return { skipped, batches };
}

test('broken pictures, and those with a known problem, are left out and reported; an empty batch is still told', async () => {
  const pictures: DecodablePicture[] = [];
  for (let i = 0; i < 5; i++) pictures.push(await picture(`p${i}.png`, 10 * i));
  writeFileSync(join(folder, 'p1.png'), 'broken');
  writeFileSync(join(folder, 'p3.png'), 'broken');
  pictures[4] = { ...(pictures[4] as DecodablePicture), problem: new PictureError('no caption', 'p4: none') };
  const { batches, skipped } = await batchesOf(pictures, 3);
  expect(batches).toEqual([
    { files: ['p0.png', 'p2.png'], firsts: [0, 20], taken: 3 },
    { files: [], firsts: [], taken: 2 },
  ]);
  expect(skipped.map(({ file, kind }) => [file, kind])).toEqual([
    ['p1.png', 'undecodable'],
    ['p3.png', 'undecodable'],
    ['p4.png', 'no caption'],
  ]);
  expect(skipped[0]?.reason).toMatch(/p1\.png: can't be decoded/);
});

test('no pictures are no batch', async () => {
  expect(await batchesOf([], 3)).toEqual({ batches: [], skipped: [] });
});

test('before a batch is handed over the bytes of the next one have been read', async () => {
  const read: string[] = [];
  const pictures = await Promise.all(['a', 'b', 'c', 'd'].map((name) => picture(`${name}.png`, 1)));
  const noting = pictures.map((one) => ({
    ...one,
    bytes: () => {
      read.push(one.file);
      return one.bytes();
    },
  }));
  const batches = decodeBatches(noting, { batchSize: 1, shape, onSkip: () => {} });
  await batches.next();
  expect(read).toEqual(['a.png', 'b.png']);
  await batches.return(undefined);
  expect(read).toEqual(['a.png', 'b.png']);
});

test('an archive that has gone ends the batches with its error, after those before it', async () => {
  const good = await picture('good.png', 3);
  const gone: DecodablePicture = { ...good, bytes: () => Promise.reject(new DataError('Shard x: gone')) };
  const batches = decodeBatches([good, gone], { batchSize: 1, shape, onSkip: () => {} });
  expect((await batches.next()).value?.pictures).toEqual([good]);
  await expect(batches.next()).rejects.toThrow('Shard x: gone');
});
