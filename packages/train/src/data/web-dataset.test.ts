import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, DataError } from '@easel/core';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { drawPictures } from '../testing/drawings.js';
import { decodeBatches, defaultPictureShape, type SkippedPicture } from './decode-picture.js';
import { openPictures } from './open-pictures.js';
import { indexTar } from './tar-index.js';
import { openWebDataset } from './web-dataset.js';

let root: string;
let names: string[];
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'easel-tar-'));
  names = await drawPictures(join(root, 'in'), 3);
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

/** Two shards of img2dataset's form, made by the system's tar: 000 and 001 in the first, 002 and a failed download in the second. */
function makeShards(format = 'ustar', long = ''): string[] {
  const files = join(root, 'files');
  mkdirSync(join(files, long), { recursive: true });
  const write = (name: string, content: string | Uint8Array) =>
    writeFileSync(join(files, long, name), content);
  for (const [i, name] of names.entries()) {
    write(`00${i}.PNG`, readFileSync(join(root, 'in', name)));
    if (i !== 1) write(`00${i}.txt`, `picture ${i}\n`);
    write(`00${i}.json`, JSON.stringify({ caption: `of json ${i}`, status: 'success' }));
  }
  write('003.txt', 'a picture that could not be fetched');
  const tar = (shard: string, ...members: string[]) => {
    const path = join(root, shard);
    const paths = members.map((member) => join(long, member));
    execFileSync('tar', [`--format=${format}`, '-b1', '-cf', path, '-C', files, ...paths]);
    return path;
  };
  return [
    tar('shard-0.tar', '000.PNG', '000.txt', '000.json', '001.json', '001.PNG'),
    tar('shard-1.tar', '002.txt', '002.PNG', '003.txt'),
  ];
}

describe.each([
  ['ustar', ''],
  ['pax', `${'a'.repeat(90)}/${'ü'.repeat(70)}`],
  ['gnu', `${'a'.repeat(90)}/${'b'.repeat(90)}`],
])('%s archives', (format, long) => {
  test('samples with their captions, each picture as it was', async () => {
    makeShards(format, long);
    const source = await openPictures(join(root, 'shard-{0..1}.tar'));
    const prefix = long === '' ? '' : `${long}/`;
    expect(source.pictures.slice(0, 3).map(({ file, captions }) => [file, captions])).toEqual([
      [`shard-0.tar/${prefix}000`, ['picture 0']],
      [`shard-0.tar/${prefix}001`, ['of json 1']],
      [`shard-1.tar/${prefix}002`, ['picture 2']],
    ]);
    for (const [i, name] of names.entries())
      expect(Buffer.from((await source.pictures[i]?.bytes?.()) ?? [])).toEqual(
        readFileSync(join(root, 'in', name)),
      );
  });
});

test('a sample without a picture is passed over and named when pictures are decoded', async () => {
  const { pictures } = await openWebDataset(makeShards());
  const skipped: SkippedPicture[] = [];
  let count = 0;
  const shape = { size: 8, ...defaultPictureShape };
  for await (const batch of decodeBatches(pictures, 3, shape, (skip) => skipped.push(skip)))
    count += batch.pictures.length;
  expect(count).toBe(3);
  expect(skipped).toHaveLength(1);
  expect(skipped[0]?.reason).toMatch(/shard-1\.tar, sample 003: there is no picture/);
});

describe('damage', () => {
  test.each([
    ['inside a file', (size: number) => size - 1024 - 700, /breaks off/],
    ['before the mark of the end', (size: number) => size - 1024, /without the mark of its end/],
    ['inside a header', (size: number) => size - 1024 - 1024 - 100, /breaks off/],
  ])('a shard cut %s is named, or ends there if that is allowed', async (_, cut, message) => {
    const [first] = makeShards() as [string];
    truncateSync(first, cut(readFileSync(first).length));
    await expect(openWebDataset([first])).rejects.toThrow(DataError);
    await expect(openWebDataset([first])).rejects.toThrow(message);
    const { pictures } = await openWebDataset([first], { allowDamaged: true });
    expect(pictures[0]?.captions).toEqual(['picture 0']);
    await expect(pictures.at(-1)?.bytes?.()).rejects.toThrow(/shard-0\.tar: it breaks off/);
  });

  test('a header that is none', async () => {
    const [first] = makeShards() as [string];
    const bytes = readFileSync(first);
    bytes[3] = (bytes[3] as number) ^ 1;
    writeFileSync(first, bytes);
    expect(await indexTar(first)).toEqual({ entries: [], damage: 'byte 0 begins no entry' });
  });
});

test('refused: a shard that is not there, other files, a caption list', async () => {
  makeShards();
  await expect(openPictures(join(root, 'shard-{0..2}.tar'))).rejects.toThrow(/shard-2\.tar: can't be opened/);
  await expect(openPictures(join(root, '{a.tar,b.zip}'))).rejects.toThrow(/b\.zip is neither/);
  await expect(openPictures(join(root, 'shard-0.tar'), { captions: 'c.csv' })).rejects.toThrow(ConfigError);
});
