import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, DataError, EaselError, prngKey } from '@easel/core';
import { initializeVqgan, parseVqganConfig, Vqgan } from '@easel/vqgan';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { startTestBackend } from '../testing/backend.js';
import { drawPictures } from '../testing/drawings.js';
import { tinyVqganJson } from '../testing/tiny-models.js';
import { decodePicture, defaultPictureShape } from './decode-picture.js';
import { type EncodeOptions, type EncodeProgress, encodePictures, pixelsToTensor } from './encode.js';
import { readEncodedSet } from './encoded-set.js';
import { openPictureFolder } from './picture-folder.js';

const shape = { imageLength: 16, imageVocabSize: 16 };
let vqgan: Vqgan;
let pictures: string;
let names: string[];
let out: string;

beforeAll(async () => {
  await startTestBackend();
  vqgan = new Vqgan(parseVqganConfig(tinyVqganJson));
  initializeVqgan(vqgan, prngKey(1));
  pictures = mkdtempSync(join(tmpdir(), 'easel-encode-in-'));
  names = await drawPictures(pictures, 7);
});
afterAll(() => {
  vqgan.dispose();
  rmSync(pictures, { recursive: true, force: true });
});
beforeEach(() => {
  out = join(mkdtempSync(join(tmpdir(), 'easel-encode-')), 'set');
});
afterEach(() => {
  rmSync(join(out, '..'), { recursive: true, force: true });
});

const encode = async (options: Partial<EncodeOptions> = {}) =>
  encodePictures(await openPictureFolder(pictures), {
    vqgan,
    out,
    batchSize: 2,
    picturesPerShard: 3,
    ...options,
  });

describe.each(['parquet', 'jsonl'] as const)('to %s', (format) => {
  test('every caption becomes a row with the tokens that the VQGAN gives for its picture', async () => {
    const before = tf.memory().numTensors;
    const progress: EncodeProgress[] = [];
    const summary = await encode({ format, onProgress: (p) => progress.push(p) });
    expect(tf.memory().numTensors).toBe(before);
    expect(summary).toMatchObject({
      complete: true,
      pictures: 7,
      rows: 14,
      skipped: 0,
      uncaptioned: 0,
      codes: 16,
      resumedShards: 0,
      shards: [`shard-00000.${format}`, `shard-00001.${format}`, `shard-00002.${format}`],
    });
    expect(progress.map((p) => p.pictures)).toEqual([2, 3, 5, 6, 7]);
    expect(progress.at(-1)).toMatchObject({ total: 7, rows: 14, skipped: 0 });

    const set = await readEncodedSet(out, shape);
    expect([...set.pictures]).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]);
    const used = new Set<number>();
    for (const [i, name] of names.entries()) {
      const pixels = await decodePicture(join(pictures, name), { size: 8, ...defaultPictureShape });
      const codes = tf.tidy(() => vqgan.encode(pixelsToTensor(pixels, 8)).dataSync());
      expect([...set.encodings.slice(2 * i * 16, (2 * i + 1) * 16)]).toEqual([...codes]);
      expect([...set.encodings.slice((2 * i + 1) * 16, (2 * i + 2) * 16)]).toEqual([...codes]);
      expect(set.captions[2 * i]).toBe(`a ${name.replace('-', ' ').replace('.png', '')}`);
      for (const code of codes) used.add(code);
    }
    expect(summary.codesUsed).toBe(used.size);
    expect(summary.perplexity).toBeGreaterThanOrEqual(1);
    expect(summary.perplexity).toBeLessThanOrEqual(used.size);
    expect(existsSync(join(out, 'lock'))).toBe(false);
  });
});

describe('going on', () => {
  test('after a stop: finished shards stay, the result is that of one call', async () => {
    const stop = new AbortController();
    const first = await encode({
      signal: stop.signal,
      onProgress: ({ pictures: done }) => done >= 5 && stop.abort(),
    });
    expect(first).toMatchObject({ complete: false, pictures: 3, shards: ['shard-00000.parquet'] });
    await expect(readEncodedSet(out, shape)).rejects.toThrow(/interrupted after 1 shards/);
    const second = await encode();
    expect(second).toMatchObject({ complete: true, pictures: 7, rows: 14, resumedShards: 1 });
    const whole = join(out, '..', 'whole');
    const once = await encode({ out: whole });
    expect((await readEncodedSet(out, shape)).digest).toBe((await readEncodedSet(whole, shape)).digest);
    expect([second.codesUsed, second.perplexity]).toEqual([once.codesUsed, once.perplexity]);
  });

  test('a complete set is left as it is', async () => {
    await encode();
    const manifest = readFileSync(join(out, 'manifest.json'), 'utf8');
    expect(await encode()).toMatchObject({ complete: true, resumedShards: 3, rows: 14 });
    expect(readFileSync(join(out, 'manifest.json'), 'utf8')).toBe(manifest);
  });

  test('a shard that was deleted is noticed by readers and made again', async () => {
    await encode();
    rmSync(join(out, 'shard-00001.parquet'));
    await expect(readEncodedSet(out, shape)).rejects.toThrow(/gone: shard-00001\.parquet/);
    expect(await encode()).toMatchObject({ complete: true, rows: 14 });
    expect((await readEncodedSet(out, shape)).captions).toHaveLength(14);
  });

  test('the encoding of something else is refused', async () => {
    await encode();
    await expect(encode({ shape: { background: '#000000' } })).rejects.toThrow(
      /another picture size, fit or background/,
    );
    await expect(encode({ picturesPerShard: 4 })).rejects.toThrow(/another number of pictures a shard/);
    const other = new Vqgan(parseVqganConfig(tinyVqganJson));
    initializeVqgan(other, prngKey(2));
    await expect(encode({ vqgan: other })).rejects.toThrow(/another VQGAN/);
    other.dispose();
  });
});

describe('broken input', () => {
  test('pictures that cannot be decoded are counted, named in the log and passed over', async () => {
    const mixed = mkdtempSync(join(tmpdir(), 'easel-encode-mixed-'));
    await drawPictures(mixed, 4);
    for (const name of ['a', 'z']) {
      writeFileSync(join(mixed, `${name}.png`), 'broken');
      writeFileSync(join(mixed, `${name}.txt`), name);
    }
    const summary = await encodePictures(await openPictureFolder(mixed), {
      vqgan,
      out,
      picturesPerShard: 2,
      batchSize: 2,
    });
    expect(summary).toMatchObject({ complete: true, pictures: 4, rows: 8, skipped: 2 });
    const log = readFileSync(summary.skippedLog, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(log).toMatchObject([
      { shard: 0, file: 'a.png' },
      { shard: 2, file: 'z.png' },
    ]);
    expect(log[0].reason).toMatch(/can't be decoded/);
    rmSync(mixed, { recursive: true });
  });

  test('nothing but broken pictures', async () => {
    const broken = mkdtempSync(join(tmpdir(), 'easel-encode-broken-'));
    writeFileSync(join(broken, 'a.png'), 'broken');
    writeFileSync(join(broken, 'a.txt'), 'a');
    const source = await openPictureFolder(broken);
    for (let call = 0; call < 2; call++)
      await expect(encodePictures(source, { vqgan, out })).rejects.toThrow(
        /none of its 1 pictures can be decoded/,
      );
    rmSync(broken, { recursive: true });
  });

  test('sizes that the VQGAN cannot take, counts that are no counts', async () => {
    await expect(encode({ shape: { size: 9 } })).rejects.toThrow(ConfigError);
    await expect(encode({ shape: { size: 9 } })).rejects.toThrow(/multiple of 2/);
    await expect(encode({ batchSize: 0 })).rejects.toThrow(/batchSize/);
  });

  test('an output that is a file, or in a folder that cannot be written to', async () => {
    writeFileSync(out, '');
    await expect(encode()).rejects.toThrow(EaselError);
    await expect(encode()).rejects.toThrow(/can't be written/);
  });

  test('a second process in the same folder', async () => {
    const running = encode();
    await expect(encode()).rejects.toThrow(/another run writes into it/);
    await running;
  });

  test('a damaged manifest', async () => {
    await encode();
    writeFileSync(join(out, 'manifest.json'), '{');
    await expect(encode()).rejects.toThrow(DataError);
    await expect(readEncodedSet(out, shape)).rejects.toThrow(/manifest\.json: damaged/);
  });
});
