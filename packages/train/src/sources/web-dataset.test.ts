import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, DataError } from '@easel/core';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { drawPictures } from '../../testing/drawings.js';
import { defaultPictureShape } from '../decoded/decode-picture.js';
import { decodeBatches } from '../decoded/picture-batches.js';
import { openArchive } from './archive-bytes.js';
import { openPictures } from './open-pictures.js';
import type { CaptionedPicture, PictureSource, ReadRange, SkippedPicture } from './picture-source.js';
import { TarEntries } from './tar-entries.js';
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

async function all(source: PictureSource, range?: ReadRange): Promise<CaptionedPicture[]> {
  const pictures: CaptionedPicture[] = [];
  for await (const picture of source.read(range)) pictures.push(picture);
  return pictures;
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
    const pictures = await all(source);
    expect(source.length).toBe(4);
    expect(pictures.slice(0, 3).map(({ file, captions }) => [file, captions])).toEqual([
      [`shard-0.tar/${prefix}000`, ['picture 0']],
      [`shard-0.tar/${prefix}001`, ['of json 1']],
      [`shard-1.tar/${prefix}002`, ['picture 2']],
    ]);
    for (const [i, name] of names.entries())
      expect(Buffer.from((await pictures[i]?.bytes()) ?? [])).toEqual(readFileSync(join(root, 'in', name)));
    for (let from = 0; from < 5; from++)
      expect((await all(source, { from, to: from + 2 })).map(({ file }) => file)).toEqual(
        pictures.slice(from, from + 2).map(({ file }) => file),
      );
  });
});

test('a sample without a picture is passed over and named when pictures are decoded', async () => {
  const source = await openWebDataset(makeShards());
  const skipped: SkippedPicture[] = [];
  let count = 0;
  const options = {
    batchSize: 3,
    shape: { size: 8, ...defaultPictureShape },
    onSkip: (skip: SkippedPicture) => skipped.push(skip),
  };
  for await (const batch of decodeBatches(source.read(), options)) count += batch.pictures.length;
  expect(count).toBe(3);
  expect(skipped).toHaveLength(1);
  expect(skipped[0]).toMatchObject({ file: 'shard-1.tar/003', kind: 'missing' });
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
    const source = await openWebDataset([first], { allowDamaged: true });
    const pictures = await all(source);
    expect(pictures).toHaveLength(source.length);
    expect(pictures[0]?.captions).toEqual(['picture 0']);
    expect(pictures.at(-1)?.problem?.kind).toBe('damaged archive');
    await expect(pictures.at(-1)?.bytes()).rejects.toThrow(/shard-0\.tar: it breaks off/);
  });

  test('a header that is none', async () => {
    const [first] = makeShards() as [string];
    const bytes = readFileSync(first);
    bytes[3] = (bytes[3] as number) ^ 1;
    writeFileSync(first, bytes);
    const archive = await openArchive(first);
    const entries = new TarEntries(archive);
    expect(await entries.next()).toBeUndefined();
    expect(entries.damage).toBe('byte 0 begins no entry');
    await archive.close();
  });
});

test('refused: a shard that is not there, other files, a caption list', async () => {
  makeShards();
  await expect(openPictures(join(root, 'shard-{0..2}.tar'))).rejects.toThrow(/shard-2\.tar: can't be opened/);
  await expect(openPictures(join(root, '{a.tar,b.zip}'))).rejects.toThrow(/b\.zip is none of them/);
  const withList = openPictures({ path: join(root, 'shard-0.tar'), captions: 'c.csv' });
  await expect(withList).rejects.toThrow(ConfigError);
});

test('thousands of samples: read from any place on; a broken caption is something wrong with its picture', async () => {
  const files = join(root, 'many');
  mkdirSync(files);
  for (let i = 0; i < 2100; i++) {
    const key = String(i).padStart(5, '0');
    writeFileSync(join(files, `${key}.png`), `${i}`);
    writeFileSync(join(files, `${key}.txt`), i === 7 ? Uint8Array.of(0xff) : `caption ${i}`);
  }
  const tar = join(root, 'many.tar');
  execFileSync('tar', ['--sort=name', '-cf', tar, '-C', files, '.']);
  const source = await openWebDataset([tar]);
  expect(source.length).toBe(2100);
  for (const from of [0, 1, 1023, 1024, 1030, 2098]) {
    const two = await all(source, { from, to: from + 2 });
    expect(two.map(({ captions }) => captions)).toEqual([[`caption ${from}`], [`caption ${from + 1}`]]);
    expect(Buffer.from((await two[1]?.bytes()) ?? []).toString()).toBe(`${from + 1}`);
  }
  const [seventh] = await all(source, { from: 7, to: 8 });
  expect(seventh?.problem?.kind).toBe('broken caption');
});

test('a shard that is deleted or changed while it is read stops the reading, by name', async () => {
  const [first, second] = makeShards() as [string, string];
  const source = await openWebDataset([first, second]);
  const pictures = await all(source);
  rmSync(second);
  await expect(pictures[2]?.bytes()).rejects.toThrow(/shard-1\.tar: can't be opened/);
  await expect(all(source)).rejects.toThrow(/shard-1\.tar: can't be opened/);
  truncateSync(first, 2048);
  await expect(all(source)).rejects.toThrow(/shard-0\.tar: it has changed/);
});
