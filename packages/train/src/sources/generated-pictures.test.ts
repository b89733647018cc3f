import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { isModule } from './open-module.js';
import { openPictures } from './open-pictures.js';
import { PictureError, type PictureSource } from './picture-source.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'generated-'));
  await writeFile(
    join(folder, 'numbers.mjs'),
    `export const options = {
       seed: { default: 0, about: 'where to begin' },
       count: { default: 10, about: 'number of pictures' },
       word: { default: 'number', about: 'the word before the number' },
     };
     export function open({ seed, count, word }) {
       if (count < 1) throw new Error('count: expected at least 1, got ' + count + '.');
       return {
         length: count,
         digest: [seed, count, word].join(),
         picture: (n) => ({
           file: n + '.bin',
           captions: [word + ' ' + (seed + n)],
           bytes: async () => {
             if (n === 7) throw new Error('seven is bad');
             return Uint8Array.of(seed + n);
           },
         }),
       };
     }`,
  );
  await writeFile(join(folder, 'other.mjs'), 'export const pictures = 3;');
  await writeFile(join(folder, 'broken.mjs'), 'export const = ;');
});

afterAll(() => rm(folder, { recursive: true }));

const path = (query: string) => join(folder, `numbers.mjs${query}`);

async function all(source: PictureSource, range = {}): Promise<string[]> {
  const out: string[] = [];
  for await (const { file, captions, bytes } of source.read(range))
    out.push(`${file} ${captions.join('|')} ${(await bytes())[0]}`);
  return out;
}

test('a path of a module, with or without settings, is a generator', () => {
  expect(['a.mjs', 'a/b.js?seed=1', 'a.mjs?x=y?z'].map(isModule)).toEqual([true, true, true]);
  expect(['a', 'a.mjs/b', 'shards/{0..3}.tar', 'x.json', 'a.mjs.tar'].map(isModule)).toEqual(
    Array(5).fill(false),
  );
});

test('pictures are read from any number on, with the settings of the path', async () => {
  const source = await openPictures(path('?seed=5&count=4&word=a%20dog'));
  expect(source.length).toBe(4);
  expect(await all(source)).toEqual([
    '0.bin a dog 5 5',
    '1.bin a dog 6 6',
    '2.bin a dog 7 7',
    '3.bin a dog 8 8',
  ]);
  expect(await all(source, { from: 2, to: 9, captions: false })).toEqual(['2.bin  7', '3.bin  8']);
});

test('the digest is that of the generator, so that other settings are another source', async () => {
  const digests = await Promise.all(
    ['', '?seed=0', '?seed=1'].map(async (query) => (await openPictures(path(query))).digest),
  );
  expect(digests[0]).toBe(digests[1]);
  expect(digests[2]).not.toBe(digests[0]);
});

test('a generator mixes with other sources', async () => {
  const source = await openPictures([{ path: path('?count=3') }, { path: path('?count=3&word=x') }]);
  expect((await all(source)).sort()).toEqual([
    '0:0.bin number 0 0',
    '0:1.bin number 1 1',
    '0:2.bin number 2 2',
    '1:0.bin x 0 0',
    '1:1.bin x 1 1',
    '1:2.bin x 2 2',
  ]);
});

test('a picture that can not be made is passed over with its reason', async () => {
  const source = await openPictures(path(''));
  for await (const { bytes } of source.read({ from: 7, to: 8 })) {
    const error = await bytes().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(PictureError);
    expect((error as PictureError).message).toContain('picture 7: seven is bad');
  }
});

test.each([
  ['numbers.mjs?sed=1', /no setting "sed"\. There are: seed \(where to begin\); count/],
  ['numbers.mjs?count=many', /count: expected a number, got "many"/],
  ['numbers.mjs?count=', /count: expected a number, got ""/],
  ['numbers.mjs?count=0', /count: expected at least 1, got 0/],
  ['other.mjs', /exports `open` and `options`, found pictures/],
  ['broken.mjs', /the module can't be imported/],
  ['nowhere.mjs', /the module can't be imported: Cannot find module/],
])('%s is refused with what to do', async (name, message) => {
  await expect(openPictures(join(folder, name))).rejects.toThrow(message);
});

test('a list or columns do not go with a generator', async () => {
  await expect(openPictures({ path: path(''), captions: 'captions.jsonl' })).rejects.toThrow(
    /a module makes its captions/,
  );
});
