import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataError, prngKey } from '@easel/core';
import { initializeVqgan, parseVqganConfig, Vqgan } from '@easel/vqgan';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import sharp from 'sharp';
import { startTestBackend } from '../../testing/backend.js';
import { drawPictures } from '../../testing/drawings.js';
import { type TarFile, tarOf } from '../../testing/tar-of.js';
import { tinyVqganJson } from '../../testing/tiny-models.js';
import { readEncodedSet } from '../encoded/encoded-set.js';
import { openPictures } from '../sources/open-pictures.js';
import { type EncodeOptions, encodePictures } from './encode.js';

const shape = { imageLength: 16, imageVocabSize: 18 };
let vqgan: Vqgan;
let root: string;
let pictures: string;
let out: string;
/** Number of pictures that went through the VQGAN since the test began. */
let encoded = 0;

beforeAll(async () => {
  await startTestBackend();
  vqgan = new Vqgan(parseVqganConfig(tinyVqganJson));
  initializeVqgan(vqgan, prngKey(1));
});
afterAll(() => {
  vqgan.dispose();
});
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'easel-encode-update-'));
  pictures = join(root, 'pictures');
  out = join(root, 'set');
  await drawPictures(pictures, 7);
  encoded = 0;
  const encode = Vqgan.prototype.encode;
  jest.spyOn(vqgan, 'encode').mockImplementation((pixels) => {
    encoded += pixels.shape[0] as number;
    return encode.call(vqgan, pixels);
  });
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(root, { recursive: true, force: true });
});

const encode = async (options: Partial<EncodeOptions> = {}, from: string = pictures) => {
  const source = await openPictures(from);
  try {
    return await encodePictures(source, { vqgan, out, batchSize: 2, picturesPerShard: 3, ...options });
  } finally {
    await source.close();
  }
};
const contents = (folder: string) => {
  const { shards } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
  return shards.map(({ file }: { file: string }) => readFileSync(join(folder, file)).toString('base64'));
};
/** The set is, byte for byte, what an encoding of the present pictures alone gives. */
const expectFresh = async (options: Partial<EncodeOptions> = {}) => {
  const fresh = join(root, 'fresh');
  rmSync(fresh, { recursive: true, force: true });
  const summary = await encode({ ...options, out: fresh });
  expect(contents(out)).toEqual(contents(fresh));
  for (const name of ['skipped.jsonl'])
    expect(readFileSync(join(out, name), 'utf8')).toBe(readFileSync(join(fresh, name), 'utf8'));
  const manifest = (folder: string) => {
    const { updates, shards, ...rest } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
    return { ...rest, shards: shards.map(({ file, ...shard }: { file: string }) => shard) };
  };
  expect(manifest(out)).toEqual(manifest(fresh));
  expect(existsSync(join(out, 'update'))).toBe(false);
  expect(readdirSync(join(out, 'pictures'))).toEqual(
    summary.shards.map((_, i) => expect.stringContaining(String(i).padStart(5, '0'))),
  );
  expect((await readEncodedSet(out, shape)).captions).toHaveLength(summary.rows);
  return summary;
};
const picture = (name: string, colour: string) =>
  sharp({ create: { width: 9, height: 9, channels: 3, background: colour } })
    .png()
    .toFile(join(pictures, name));
const add = async (name: string, colour: string) => {
  await picture(`${name}.png`, colour);
  writeFileSync(join(pictures, `${name}.txt`), `one\ntwo\nthree of ${name}`);
};

describe.each(['parquet', 'jsonl'] as const)('%s', (format) => {
  test('added pictures alone are encoded, once for all their captions', async () => {
    await encode({ format });
    expect(encoded).toBe(7);
    await add('aa', 'red');
    await add('zz', 'blue');
    const summary = await encode({ format });
    expect(encoded).toBe(7 + 2);
    const changes = { added: 2, changed: 0, recaptioned: 0, removed: 0, same: 7 };
    expect(summary).toMatchObject({
      complete: true,
      pictures: 9,
      rows: 20,
      changes,
      ownPictures: 2,
      reusedPictures: 7,
    });
    expect(JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')).updates).toEqual([changes]);
    for (const file of summary.shards) expect(existsSync(join(out, file))).toBe(true);
    await expectFresh({ format });
    await add('again', 'green');
    encoded = 0;
    expect(await encode({ format })).toMatchObject({ changes: { added: 1, same: 9 } });
    expect(encoded).toBe(1);
    expect(JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')).updates).toHaveLength(2);
    await expectFresh({ format });
  });
});

test('everything at once: added, changed, mended, removed, other captions; touched alone is no change', async () => {
  writeFileSync(join(pictures, 'broken.png'), 'broken');
  writeFileSync(join(pictures, 'broken.txt'), 'mended later');
  writeFileSync(join(pictures, 'still-broken.png'), 'broken');
  writeFileSync(join(pictures, 'still-broken.txt'), 'never mended');
  await encode();
  encoded = 0;
  await add('new', 'red');
  await picture('red-circle.png', 'black');
  await picture('broken.png', 'pink');
  for (const end of ['png', 'txt']) unlinkSync(join(pictures, `red-bar.${end}`));
  writeFileSync(join(pictures, 'red-square.txt'), 'only this');
  utimesSync(join(pictures, 'red-ring.png'), new Date(), new Date(0));
  const tensors = tf.memory().numTensors;
  const summary = await encode();
  expect(tf.memory().numTensors).toBe(tensors);
  expect(summary.changes).toEqual({ added: 1, changed: 2, recaptioned: 1, removed: 1, same: 5 });
  expect(summary).toMatchObject({ pictures: 8, skipped: 1, failures: { undecodable: 1 } });
  expect(encoded).toBe(3);
  await expectFresh();
});

test('nothing has changed: nothing is encoded or written', async () => {
  await encode();
  const before = readFileSync(join(out, 'manifest.json'), 'utf8');
  const compared: number[] = [];
  const again = await encode({ onCompared: (count) => compared.push(count) });
  expect(again).toMatchObject({ complete: true, ownPictures: 0, reusedPictures: 0, rows: 14 });
  expect(again).not.toHaveProperty('changes');
  expect(compared).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(readFileSync(join(out, 'manifest.json'), 'utf8')).toBe(before);
});

test('captions alone: no picture is encoded, and no picture decoded', async () => {
  await encode();
  encoded = 0;
  writeFileSync(join(pictures, 'red-ring.txt'), 'a hoop\na hoop, again\nround');
  expect(await encode()).toMatchObject({ ownPictures: 0, rows: 15, changes: { recaptioned: 1, same: 6 } });
  expect(encoded).toBe(0);
  await expectFresh();
});

test('scores: a picture with other captions is encoded again, since its captions must be judged', async () => {
  let judged = 0;
  const scorer = {
    digest: 'a',
    async score(captions: readonly (readonly string[])[]) {
      judged += captions.length;
      return captions.map((own) => own.map((caption) => caption.length / 4));
    },
  };
  await encode({ scorer });
  await add('new', 'red');
  writeFileSync(join(pictures, 'red-ring.txt'), 'a hoop');
  judged = 0;
  expect(await encode({ scorer })).toMatchObject({ changes: { added: 1, recaptioned: 1 } });
  expect(judged).toBe(2);
  await expectFresh({ scorer });
});

describe('the set stays valid until the newer one is whole', () => {
  const stopped = (after: number): Partial<EncodeOptions> => {
    const stop = new AbortController();
    return { signal: stop.signal, onProgress: ({ pictures: done }) => done >= after && stop.abort() };
  };

  test('an update that is interrupted goes on, with what it had made', async () => {
    await encode();
    const before = await readEncodedSet(out, shape);
    for (let i = 0; i < 6; i++) await add(`zz${i}`, `rgb(${i * 30}, 0, 90)`);
    encoded = 0;
    const first = await encode(stopped(11));
    expect(first).toMatchObject({ complete: false, partComplete: false });
    expect((await readEncodedSet(out, shape)).digest).toBe(before.digest);
    expect(await encode()).toMatchObject({ complete: true, pictures: 13, changes: { added: 6, same: 7 } });
    expect(encoded).toBeLessThanOrEqual(6 + 3); // a shard that was not finished is made again
    await expectFresh();
  });

  test('an interrupted update of which the source changes again keeps what it had made', async () => {
    await encode();
    for (let i = 0; i < 6; i++) await add(`zz${i}`, `rgb(${i * 30}, 0, 90)`);
    await encode(stopped(12));
    encoded = 0;
    await add('aaa', 'red');
    unlinkSync(join(pictures, 'zz5.png'));
    unlinkSync(join(pictures, 'zz5.txt'));
    expect(await encode()).toMatchObject({ complete: true, pictures: 13, changes: { added: 6, same: 7 } });
    expect(encoded).toBeLessThanOrEqual(1 + 1 + 3);
    await expectFresh();
  });

  test('an encoding that was interrupted before pictures were added', async () => {
    await encode(stopped(6));
    encoded = 0;
    await add('new', 'red');
    await expect(readEncodedSet(out, shape)).rejects.toThrow(/of its 3 shards are made/);
    expect(await encode()).toMatchObject({ complete: true, pictures: 8 });
    expect(encoded).toBeLessThan(8);
    await expectFresh();
  });

  test('a process that ends while the newer set takes the place, before or after the manifest', async () => {
    await encode();
    const older = join(root, 'older');
    cpSync(out, older, { recursive: true });
    await add('new', 'red');
    await encode();
    const newer = join(root, 'newer');
    cpSync(out, newer, { recursive: true });
    const { digest } = await readEncodedSet(newer, shape);
    // The update as it was: a whole set under the names of a first encoding.
    await encode({ out: join(root, 'update') });
    for (const [manifest, expected] of [
      ['older', (await readEncodedSet(older, shape)).digest],
      ['newer', digest],
    ] as const) {
      rmSync(out, { recursive: true });
      for (const part of [older, newer]) cpSync(part, out, { recursive: true });
      cpSync(join(root, manifest, 'manifest.json'), join(out, 'manifest.json'));
      cpSync(join(root, 'update'), join(out, 'update'), { recursive: true });
      expect((await readEncodedSet(out, shape)).digest).toBe(expected);
      encoded = 0;
      expect(await encode()).toMatchObject({ complete: true, pictures: 8 });
      expect(encoded).toBe(0);
      expect((await readEncodedSet(out, shape)).digest).toBe(digest);
      await expectFresh();
    }
  });
});

describe('several calls', () => {
  test('share an update; each ends with the whole set', async () => {
    await encode({ picturesPerShard: 1 });
    for (let i = 0; i < 5; i++) await add(`n${i}`, `rgb(${i * 40}, 9, 0)`);
    encoded = 0;
    const calls = [0, 1, 2].map(() => encode({ picturesPerShard: 1 }));
    for (const summary of await Promise.all(calls))
      expect(summary).toMatchObject({ complete: true, pictures: 12, rows: 29 });
    expect(encoded).toBe(5);
    await expectFresh({ picturesPerShard: 1 });
    expect(JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')).updates).toHaveLength(1);
  });

  test('parts of an update; other pictures while another process is at work', async () => {
    await encode();
    for (let i = 0; i < 4; i++) await add(`zz${i}`, `rgb(${i * 40}, 9, 0)`);
    const parts = [0, 1].map((index) => ({ index, of: 2 }));
    expect(await encode({ part: parts[0] as { index: number; of: number } })).toMatchObject({
      partComplete: true,
      complete: false,
    });
    const lease = join(out, 'update', 'work', '00001.lease');
    writeFileSync(lease, JSON.stringify({ pid: 1, host: 'elsewhere', started: null }));
    await add('zzz', 'red');
    await expect(encode()).rejects.toThrow(/another process encodes other pictures or captions into it now/);
    rmSync(lease);
    for (const end of ['png', 'txt']) unlinkSync(join(pictures, `zzz.${end}`));
    expect(await encode({ part: parts[1] as { index: number; of: number } })).toMatchObject({
      complete: true,
    });
    await expectFresh();
  });
});

test('a folder of other pictures is refused, and stays as it is', async () => {
  await encode();
  const before = contents(out);
  const others = join(root, 'others');
  mkdirSync(others);
  for (const name of readdirSync(pictures).filter((one) => one.endsWith('.png'))) {
    await sharp({ create: { width: 9, height: 9, channels: 3, background: 'red' } })
      .png()
      .toFile(join(others, name));
    writeFileSync(join(others, name.replace('.png', '.txt')), 'the same names');
  }
  await expect(encode({}, others)).rejects.toThrow(DataError);
  await expect(encode({}, others)).rejects.toThrow(
    /other pictures or captions: none of its 7 pictures is in .*others as it was/,
  );
  expect(contents(out)).toEqual(before);
  expect(existsSync(join(out, 'update'))).toBe(false);
});

test('a set from before, which knows only names: pictures of these names are taken as the same', async () => {
  await encode();
  rmSync(join(out, 'pictures'), { recursive: true });
  await add('new', 'red');
  encoded = 0;
  expect(await encode()).toMatchObject({ changes: { added: 1, changed: 0, same: 7 } });
  expect(encoded).toBe(1);
  await picture('red-ring.png', 'black'); // from now on it is known
  expect(await encode()).toMatchObject({ changes: { changed: 1, same: 7 } });
  await expectFresh();
});

test('tar shards: a grown one, and a lost shard of the set', async () => {
  const tar = join(root, 'a.tar');
  const png = async (colour: string) =>
    sharp({ create: { width: 9, height: 9, channels: 3, background: colour } })
      .png()
      .toBuffer();
  const entries = async (names: readonly string[]): Promise<TarFile[]> => {
    const files: TarFile[] = [];
    for (const name of names) files.push([`${name}.png`, await png(name)], [`${name}.txt`, name]);
    return files;
  };
  writeFileSync(tar, tarOf(await entries(['red', 'green', 'blue', 'pink'])));
  await encode({}, tar);
  writeFileSync(tar, tarOf(await entries(['red', 'green', 'blue', 'pink', 'black'])));
  encoded = 0;
  expect(await encode({}, tar)).toMatchObject({
    complete: true,
    pictures: 5,
    changes: { added: 1, same: 4 },
  });
  expect(encoded).toBe(1);
  const [, second] = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')).shards;
  rmSync(join(out, second.file));
  encoded = 0;
  expect(await encode({}, tar)).toMatchObject({ complete: true, pictures: 5, resumedShards: 1 });
  expect(encoded).toBe(2);
  expect((await readEncodedSet(out, shape)).captions).toEqual(['red', 'green', 'blue', 'pink', 'black']);
});
