import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, DataError, EaselError, prngKey } from '@easel/core';
import { initializeVqgan, parseVqganConfig, Vqgan } from '@easel/vqgan';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import sharp from 'sharp';
import { startTestBackend } from '../../testing/backend.js';
import { drawPictures } from '../../testing/drawings.js';
import { tinyVqganJson } from '../../testing/tiny-models.js';
import { decodePicture, defaultPictureShape } from '../decoded/decode-picture.js';
import { readEncodedSet } from '../encoded/encoded-set.js';
import { readShard } from '../encoded/shards.js';
import { openPictureFolder } from '../sources/picture-folder.js';
import { type EncodeOptions, type EncodeProgress, encodePictures, pixelsToTensor } from './encode.js';

const shape = { imageLength: 16, imageVocabSize: 18 };
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
      failures: {},
      partComplete: true,
      ownPictures: 7,
      codes: 18,
      resumedShards: 0,
      shards: [`shard-00000.${format}`, `shard-00001.${format}`, `shard-00002.${format}`],
    });
    expect(progress.map((p) => p.pictures)).toEqual([0, 2, 3, 5, 6, 7]);
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
    expect(readdirSync(out).sort()).toEqual([
      'manifest.json',
      'pictures',
      ...summary.shards,
      'skipped.jsonl',
    ]);
    expect(summary.computeShare).toBeGreaterThan(0);
    expect(summary.computeShare).toBeLessThanOrEqual(1);
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
    expect(first.partComplete).toBe(false);
    await expect(readEncodedSet(out, shape)).rejects.toThrow(/1 of its 3 shards are made/);
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
    const again = await encode();
    expect(again).toMatchObject({ complete: true, rows: 14, resumedShards: 2, ownPictures: 3 });
    expect((await readEncodedSet(out, shape)).captions).toHaveLength(14);
    const whole = await encode({ out: join(out, '..', 'whole') });
    expect([again.codesUsed, again.perplexity]).toEqual([whole.codesUsed, whole.perplexity]);
  });

  test('the encoding of something else is refused', async () => {
    await encode();
    await expect(encode({ shape: { background: '#000000' } })).rejects.toThrow(
      /another picture size, fit, crop, background or filter/,
    );
    await expect(encode({ picturesPerShard: 4 })).rejects.toThrow(/another number of pictures a shard/);
    const other = new Vqgan(parseVqganConfig(tinyVqganJson));
    initializeVqgan(other, prngKey(2));
    await expect(encode({ vqgan: other })).rejects.toThrow(/another VQGAN/);
    other.dispose();
  });
});

describe('a folder that was begun with something else', () => {
  const other = async (options: Partial<EncodeOptions>) => {
    const second = new Vqgan(parseVqganConfig(tinyVqganJson));
    initializeVqgan(second, prngKey(2));
    try {
      return await encode({ vqgan: second, ...options });
    } finally {
      second.dispose();
    }
  };

  test('is begun anew where no shard is finished, with what it had left', async () => {
    const stop = new AbortController();
    stop.abort();
    expect(await other({ signal: stop.signal, picturesPerShard: 1 })).toMatchObject({ shards: [] });
    writeFileSync(join(out, 'shard-00006.parquet'), 'written before its record');
    expect(await encode()).toMatchObject({ complete: true, rows: 14 });
    expect(readdirSync(out).sort()).toEqual([
      'manifest.json',
      'pictures',
      'shard-00000.parquet',
      'shard-00001.parquet',
      'shard-00002.parquet',
      'skipped.jsonl',
    ]);
  });

  test('is refused where a shard is finished, or in work', async () => {
    const stop = new AbortController();
    const onProgress = ({ pictures: done }: EncodeProgress) => done >= 5 && stop.abort();
    await other({ signal: stop.signal, onProgress: onProgress as NonNullable<EncodeOptions['onProgress']> });
    await expect(encode()).rejects.toThrow(/it was begun with another VQGAN/);
    rmSync(join(out, 'work', '00000.json'));
    writeFileSync(
      join(out, 'work', '00001.lease'),
      JSON.stringify({ pid: 1, host: 'elsewhere', started: null }),
    );
    await expect(encode()).rejects.toThrow(/it was begun with another VQGAN/);
  });

  test('a VQGAN that only decodes is refused before anything is written', async () => {
    const decoder = new Vqgan(parseVqganConfig(tinyVqganJson), { decoderOnly: true });
    initializeVqgan(decoder, prngKey(1));
    await expect(encode({ vqgan: decoder })).rejects.toThrow(/has a decoder only/);
    decoder.dispose();
    expect(existsSync(out)).toBe(false);
  });
});

describe('sharing', () => {
  test('two calls on one folder share its shards; the set is that of one call', async () => {
    const summaries = await Promise.all([encode({ picturesPerShard: 1 }), encode({ picturesPerShard: 1 })]);
    for (const summary of summaries) expect(summary).toMatchObject({ complete: true, pictures: 7, rows: 14 });
    const own = summaries.map(({ ownPictures }) => ownPictures);
    expect(own.reduce((a, b) => a + b)).toBe(7);
    expect(Math.min(...own)).toBeGreaterThan(0);
    const whole = join(out, '..', 'whole');
    await encode({ out: whole, picturesPerShard: 1 });
    expect((await readEncodedSet(out, shape)).digest).toBe((await readEncodedSet(whole, shape)).digest);
    expect(readFileSync(join(out, 'manifest.json'), 'utf8')).toBe(
      readFileSync(join(whole, 'manifest.json'), 'utf8'),
    );
  });

  test('parts of two machines without a common disk are put together by copying', async () => {
    const parts = [0, 1].map((index) => join(out, '..', `part-${index}`));
    for (const [index, part] of parts.entries()) {
      const summary = await encode({ out: part, part: { index, of: 2 } });
      expect(summary).toMatchObject({ complete: false, partComplete: true });
      expect(summary.shards).toEqual(
        index === 0 ? ['shard-00000.parquet', 'shard-00002.parquet'] : ['shard-00001.parquet'],
      );
      await expect(readEncodedSet(part, shape)).rejects.toThrow(/shards are made/);
    }
    for (const part of parts) cpSync(part, out, { recursive: true });
    const whole = join(out, '..', 'whole');
    await encode({ out: whole });
    expect((await readEncodedSet(out, shape)).digest).toBe((await readEncodedSet(whole, shape)).digest);
    expect(await encode()).toMatchObject({ complete: true, ownPictures: 0, rows: 14 });
    expect(readFileSync(join(out, 'manifest.json'), 'utf8')).toBe(
      readFileSync(join(whole, 'manifest.json'), 'utf8'),
    );
  });

  test('the shard of another machine is left alone until its lease has expired', async () => {
    mkdirSync(join(out, 'work'), { recursive: true });
    const lease = join(out, 'work', '00001.lease');
    writeFileSync(lease, JSON.stringify({ pid: 1, host: 'elsewhere', started: null }));
    const stop = new AbortController();
    const waiting: number[] = [];
    const first = await encode({
      signal: stop.signal,
      onProgress: ({ waitingFor }) => {
        waiting.push(waitingFor);
        if (waitingFor > 0) stop.abort();
      },
    });
    expect(first).toMatchObject({
      partComplete: false,
      shards: ['shard-00000.parquet', 'shard-00002.parquet'],
    });
    expect(waiting.at(-1)).toBe(1);
    const old = new Date(Date.now() - 60_000);
    utimesSync(lease, old, old);
    expect(await encode({ leaseSeconds: 30 })).toMatchObject({ complete: true, ownPictures: 3, rows: 14 });
  });

  test('a number of a part that there is none of', async () => {
    await expect(encode({ part: { index: 2, of: 2 } })).rejects.toThrow(ConfigError);
  });
});

test('a scorer gives each row its clip_score; without it, or with another, the set is another', async () => {
  const asked: [number, number][] = [];
  const scorer = {
    digest: 'a',
    async score(captions: readonly (readonly string[])[], pixels: Uint8Array, size: number) {
      asked.push([captions.length, pixels.length / (size * size * 3)]);
      return captions.map((own) => own.map((caption) => caption.length / 4));
    },
  };
  await encode({ scorer });
  expect(asked).toEqual([
    [2, 2],
    [1, 1],
    [2, 2],
    [1, 1],
    [1, 1],
  ]);
  let rows = 0;
  const columns = { caption: 'caption', encoding: 'encoding', others: ['clip_score'] };
  for await (const { caption, others } of readShard(join(out, 'shard-00000.parquet'), columns)) {
    expect(others.clip_score).toBe((caption as string).length / 4);
    rows++;
  }
  expect(rows).toBe(6);
  await expect(encode()).rejects.toThrow(/another CLIP/);
  await expect(encode({ scorer: { ...scorer, digest: 'b' } })).rejects.toThrow(/another CLIP/);
});

describe('broken input', () => {
  test('pictures that cannot be decoded are counted, named in the log and passed over', async () => {
    const mixed = mkdtempSync(join(tmpdir(), 'easel-encode-mixed-'));
    await drawPictures(mixed, 4);
    for (const name of ['a', 'z']) {
      writeFileSync(join(mixed, `${name}.png`), 'broken');
      writeFileSync(join(mixed, `${name}.txt`), name);
    }
    const options = { vqgan, out, picturesPerShard: 2, batchSize: 2 };
    const summary = await encodePictures(await openPictureFolder(mixed), options);
    expect(summary).toMatchObject({
      complete: true,
      pictures: 4,
      rows: 8,
      skipped: 2,
      failures: { undecodable: 2 },
    });
    expect(await encodePictures(await openPictureFolder(mixed), options)).toMatchObject({
      ownPictures: 0,
      failures: { undecodable: 2 },
    });
    const log = readFileSync(summary.skippedLog, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(log).toMatchObject([
      { shard: 0, file: 'a.png', kind: 'undecodable' },
      { shard: 2, file: 'z.png', kind: 'undecodable' },
    ]);
    expect(log[0].reason).toMatch(/can't be decoded/);
    rmSync(mixed, { recursive: true });
  });

  test('rows and files that come to nothing are counted and named beside the pictures', async () => {
    const mixed = mkdtempSync(join(tmpdir(), 'easel-encode-left-'));
    const [first] = await drawPictures(mixed, 2);
    const list = [`${first},`, `${first},one`, ',two', 'gone.png,three', 'gone.png,four'];
    writeFileSync(join(mixed, 'captions.csv'), ['file,caption', ...list].join('\n'));
    const summary = await encodePictures(await openPictureFolder(mixed), { vqgan, out });
    expect(summary).toMatchObject({
      pictures: 1,
      rows: 1,
      skipped: 1,
      failures: { missing: 1 },
      captionsLost: 2,
      leftOut: { 'row without caption': 1, 'row without picture': 1 },
    });
    const log = readFileSync(summary.skippedLog, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(log).toMatchObject([
      { shard: null, kind: 'row without caption', file: first },
      { shard: null, kind: 'row without picture', file: 'line 4' },
      { shard: 0, kind: 'missing', file: 'gone.png', captions: 2 },
    ]);
    rmSync(mixed, { recursive: true });
  });

  test('nothing but broken pictures', async () => {
    const broken = mkdtempSync(join(tmpdir(), 'easel-encode-broken-'));
    writeFileSync(join(broken, 'a.png'), 'broken');
    writeFileSync(join(broken, 'a.txt'), 'a');
    const source = await openPictureFolder(broken);
    for (let call = 0; call < 2; call++)
      await expect(encodePictures(source, { vqgan, out })).rejects.toThrow(
        /none of its 1 pictures can be used \(undecodable 1\)/,
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

  test('pictures that are too small, too long or without a caption', async () => {
    const mixed = mkdtempSync(join(tmpdir(), 'easel-encode-kinds-'));
    await drawPictures(mixed, 2);
    await drawPictures(join(mixed, 'small'), 1, 7);
    const colour = { r: 1, g: 2, b: 3 };
    await sharp({ create: { width: 40, height: 8, channels: 3, background: colour } }).toFile(
      join(mixed, 'long.png'),
    );
    writeFileSync(join(mixed, 'long.txt'), 'long');
    await sharp({ create: { width: 9, height: 9, channels: 3, background: colour } }).toFile(
      join(mixed, 'mute.png'),
    );
    const summary = await encodePictures(await openPictureFolder(mixed), {
      vqgan,
      out,
      shape: { minSide: 8, maxAspect: 4 },
    });
    expect(summary).toMatchObject({
      pictures: 2,
      skipped: 3,
      failures: { 'too small': 1, aspect: 1, 'no caption': 1 },
    });
    rmSync(mixed, { recursive: true });
  });

  test('a damaged manifest', async () => {
    await encode();
    writeFileSync(join(out, 'manifest.json'), '{');
    await expect(encode()).rejects.toThrow(DataError);
    await expect(readEncodedSet(out, shape)).rejects.toThrow(/manifest\.json: damaged/);
  });
});
