import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, DataError, prngKey } from '@easel/core';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { drawPictures } from '../../testing/drawings.js';
import { defaultPictureShape } from '../decoded/decode-picture.js';
import { cachePictures } from '../decoded/picture-cache.js';
import { openPictures } from '../sources/open-pictures.js';
import type { SkippedPicture } from '../sources/picture-source.js';
import { shuffledPictures } from '../sources/shuffled-pictures.js';
import {
  CachedPictures,
  type NamedPixels,
  StreamedPictures,
  type TrainingPictures,
} from './training-pictures.js';

let root: string;
const shape = { size: 8, ...defaultPictureShape };
const key = prngKey(3);
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'easel-training-pictures-'));
  await drawPictures(join(root, 'a'), 11);
  await drawPictures(join(root, 'b'), 4);
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

const open = (name: string) => openPictures(join(root, name), { captions: false });

async function streamed(names: readonly (readonly [string, number])[], changes: object = {}) {
  const sources = await Promise.all(
    names.map(async ([name, weight]) => ({ source: await open(name), weight })),
  );
  const skipped: SkippedPicture[] = [];
  const settings = {
    shape,
    batchSize: 4,
    bufferSize: 6,
    key,
    onSkip: (skip: SkippedPicture) => skipped.push(skip),
  };
  return { pictures: new StreamedPictures(sources, { ...settings, ...changes }), skipped };
}

async function batches(pictures: TrainingPictures, from: number, count: number): Promise<NamedPixels[]> {
  const all: NamedPixels[] = [];
  for (let step = from; step < from + count; step++) all.push(await pictures.update(step));
  return all;
}

describe('streamed', () => {
  test('each round of a source is another order of all its pictures, from any place on', async () => {
    const source = await open('a');
    const order = async (from: number, count: number) => {
      const files: string[] = [];
      for await (const { file, round } of shuffledPictures(source, key, 4, from)) {
        files.push(`${round} ${file}`);
        if (files.length === count) return files;
      }
      return files;
    };
    const all = await order(0, 33);
    for (let round = 0; round < 3; round++) {
      const files = all.slice(11 * round, 11 * (round + 1));
      expect(files.every((file) => file.startsWith(`${round} `))).toBe(true);
      expect(new Set(files).size).toBe(11);
    }
    const names = all.map((file) => file.slice(2));
    expect(names.slice(0, 11)).not.toEqual(names.slice(11, 22));
    for (const from of [1, 4, 10, 11, 17, 25])
      expect(await order(from, 8)).toEqual(all.slice(from, from + 8));
  });

  test('updates go on at any step as if they had begun at the first; the last can be had again', async () => {
    const { pictures } = await streamed([['a', 1]]);
    expect(pictures.position(5)).toEqual({ epoch: 2, batch: 1 });
    const all = await batches(pictures, 0, 8);
    expect(await pictures.update(7)).toBe(all[7]);
    for (const from of [0, 1, 3, 6])
      expect(await batches((await streamed([['a', 1]])).pictures, from, 2)).toEqual(
        all.slice(from, from + 2),
      );
    expect(await batches(pictures, 2, 2)).toEqual(all.slice(2, 4));
    const again = await streamed([['a', 1]], { key: prngKey(4) });
    expect(await batches(again.pictures, 0, 2)).not.toEqual(all.slice(0, 2));
    await pictures.close();
  });

  test('sources come by their weights', async () => {
    const { pictures } = await streamed(
      [
        ['a', 1],
        ['b', 3],
      ],
      { batchSize: 5 },
    );
    const files = (await batches(pictures, 0, 80)).flatMap((batch) => batch.files);
    expect(files).toHaveLength(400);
    const known = new Set<string>();
    for await (const { file } of (await open('b')).read()) known.add(file);
    // Both folders have pictures of these names: 4 of a's 11. 300 + 36 of 400 are expected, give or take 9.
    const count = files.filter((file) => known.has(file)).length;
    expect(Math.abs(count - 336)).toBeLessThan(40);
    expect(
      await batches(
        (
          await streamed(
            [
              ['a', 1],
              ['b', 3],
            ],
            { batchSize: 5 },
          )
        ).pictures,
        50,
        1,
      ),
    ).toEqual([{ files: files.slice(250, 255), pixels: expect.anything() }]);
  });

  test('random squares are others each round, and the same for the same step', async () => {
    const folder = join(root, 'wide');
    mkdirSync(folder);
    const pixels = Uint8Array.from({ length: 64 * 16 * 3 }, (_, i) => (Math.floor(i / 3) % 64) * 4);
    await sharp(pixels, { raw: { width: 64, height: 16, channels: 3 } }).toFile(join(folder, 'ramp.png'));
    const settings = { batchSize: 1, shape: { ...shape, crop: 'random' } };
    const { pictures } = await streamed([['wide', 1]], settings);
    const all = await batches(pictures, 0, 6);
    expect(new Set(all.map((batch) => batch.pixels.join())).size).toBeGreaterThan(3);
    expect(await batches((await streamed([['wide', 1]], settings)).pictures, 4, 1)).toEqual([all[4]]);
  });

  test('in place of a broken picture another of its batch comes twice; a batch of nothing but such is an error', async () => {
    const folder = join(root, 'mixed');
    await drawPictures(folder, 3);
    writeFileSync(join(folder, 'broken.png'), 'broken');
    const { pictures, skipped } = await streamed([['mixed', 1]]);
    const [{ files, pixels }] = (await batches(pictures, 0, 1)) as [NamedPixels];
    expect(new Set(files).size).toBe(3);
    expect(files[3]).toBe(files[0]);
    expect(pixels).toHaveLength(4 * 192);
    expect(pixels.slice(3 * 192)).toEqual(pixels.slice(0, 192));
    expect(skipped[0]).toMatchObject({ file: 'broken.png', kind: 'undecodable' });
    const strict = await streamed([['mixed', 1]], { shape: { ...shape, minSide: 17 } });
    await expect(strict.pictures.update(0)).rejects.toThrow(DataError);
    await expect(strict.pictures.update(0)).rejects.toThrow(/none of the 4 pictures of a batch can be used/);
  });

  test('too few pictures for a batch', async () => {
    await expect(streamed([['a', 1]], { batchSize: 12 })).rejects.toThrow(ConfigError);
  });

  test('a sample is all pictures once, in batches', async () => {
    const { pictures } = await streamed([['a', 1]]);
    const sizes: number[] = [];
    for await (const pixels of pictures.sample(key, 4)) sizes.push(pixels.length / 192);
    expect(sizes).toEqual([4, 4, 4]);
    await pictures.close();
  });
});

test('in memory with weights: as many draws as pictures, a group gone through before it begins anew', async () => {
  const cache = await cachePictures(await open('a'), shape, { limitMiB: 1 });
  const rows = Array.from({ length: 11 }, (_, i) => i);
  const groups = [
    { rows: rows.slice(0, 9), weight: 1 },
    { rows: rows.slice(9), weight: 3 },
  ];
  const pictures = new CachedPictures(cache, rows, 11, key, groups);
  let heavy = 0;
  for (let epoch = 0; epoch < 40; epoch++) {
    const { files } = await pictures.update(epoch);
    const numbers = files.map((file) => cache.files.indexOf(file));
    const of = (number: number) => numbers.filter((other) => other === number).length;
    expect(Math.abs(of(9) - of(10))).toBeLessThanOrEqual(1);
    expect(Math.max(...rows.slice(0, 9).map(of))).toBeLessThanOrEqual(1);
    heavy += of(9) + of(10);
  }
  expect(Math.abs(heavy - 330)).toBeLessThan(40); // of 440 draws, standard deviation 9
  expect(await new CachedPictures(cache, rows, 11, key, groups).update(3)).toEqual(await pictures.update(3));
});
