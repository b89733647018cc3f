import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DataError } from '@easel/core';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { listPictures, openPictureFolder } from './picture-folder.js';
import { sourceDigest } from './picture-source.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'easel-pictures-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Writes files below the folder; listing needs names only, so the pictures may be empty. */
function put(files: Record<string, string | Uint8Array>) {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}

const captionsOf = async (options?: { captions?: string }) =>
  (await openPictureFolder(folder, options)).pictures.map(({ file, captions }) => [file, captions]);

describe('captions beside the pictures', () => {
  test('each non-empty line of the .txt is a caption; folders nest; order is by name', async () => {
    put({
      'b/dog.JPG': '',
      'b/dog.txt': 'a dog\r\n\r\n  a brown dog \n',
      'a.png': '',
      'a.txt': 'an apple',
      'nameless.webp': '',
      'notes.txt': 'no picture of this name',
      '.hidden/x.png': '',
    });
    const source = await openPictureFolder(folder);
    expect(source.pictures.map(({ file, captions }) => [file, captions])).toEqual([
      ['a.png', ['an apple']],
      ['b/dog.JPG', ['a dog', 'a brown dog']],
    ]);
    expect(source.pictures[1]?.path).toBe(join(folder, 'b', 'dog.JPG'));
    expect(source.uncaptioned).toEqual(['nameless.webp']);
  });

  test('a BOM is dropped; other encodings than UTF-8 are refused by name', async () => {
    put({ 'a.png': '', 'a.txt': '\uFEFFan apple' });
    expect(await captionsOf()).toEqual([['a.png', ['an apple']]]);
    put({ 'a.txt': Uint8Array.of(0x61, 0xe9, 0x20) });
    await expect(openPictureFolder(folder)).rejects.toThrow(/a\.txt: it isn't UTF-8/);
  });
});

describe('caption lists', () => {
  test('jsonl: several rows a picture, in the order of first mention; unknown columns and blank lines pass', async () => {
    put({
      'b.png': '',
      'sub/a.png': '',
      'c.png': '',
      'captions.jsonl':
        '{"file":"b.png","caption":"a bee","score":1}\n\n{"file":"./sub/a.png","caption":"an ant"}\n{"file":"b.png","caption":"bee"}\n',
    });
    const source = await openPictureFolder(folder);
    expect(source.pictures.map(({ file, captions }) => [file, captions])).toEqual([
      ['b.png', ['a bee', 'bee']],
      ['sub/a.png', ['an ant']],
    ]);
    expect(source.uncaptioned).toEqual(['c.png']);
  });

  test('csv with quotes and line breaks, columns image and text', async () => {
    put({
      'a.png': '',
      'captions.csv': 'id,image,text\r\n1,a.png,"an ""apple"",\nred"\r\n2,a.png,fruit\r\n',
    });
    expect(await captionsOf()).toEqual([['a.png', ['an "apple",\nred', 'fruit']]]);
  });

  test('tsv with a lone quote, column image_file; a list outside the folder', async () => {
    put({ 'pictures/a.png': '', 'list.tsv': '\uFEFFimage_file\tcaption\na.png\ta 5" screen, wide\n' });
    const source = await openPictureFolder(join(folder, 'pictures'), { captions: join(folder, 'list.tsv') });
    expect(source.pictures[0]?.captions).toEqual(['a 5" screen, wide']);
  });

  test('the list wins over .txt files', async () => {
    put({ 'a.png': '', 'a.txt': 'text', 'captions.csv': 'file,caption\na.png,list\n' });
    expect(await captionsOf()).toEqual([['a.png', ['list']]]);
  });

  test.each([
    [
      'a picture that does not exist, with its line',
      { 'captions.csv': 'file,caption\nb.png,x\na.png,y\n' },
      /1 of 2 pictures.*b\.png \(line 2\)/,
    ],
    [
      'no picture column',
      { 'captions.csv': 'name,caption\na.png,x\n' },
      /no picture column.*found name, caption/,
    ],
    ['no caption column', { 'captions.tsv': 'file\ttitle\na.png\tx\n' }, /no caption column/],
    [
      'a row too short',
      { 'captions.csv': 'file,caption\na.png\n' },
      /captions\.csv: Invalid Record Length.*line 2/,
    ],
    [
      'jsonl that is not JSON',
      { 'captions.jsonl': '{"file":"a.png","caption":"x"}\n{"file":' },
      /line 2: expected one JSON object/,
    ],
    [
      'a caption that is a number',
      { 'captions.jsonl': '{"file":"a.png","caption":3}' },
      /line 1: expected text in 'caption', got 3/,
    ],
    [
      'jsonl that is not UTF-8',
      { 'captions.jsonl': Uint8Array.of(0x7b, 0xff, 0x7d) },
      /line 1: it isn't UTF-8/,
    ],
    ['csv that is not UTF-8', { 'captions.csv': Uint8Array.of(0x66, 0xff, 0x0a) }, /it isn't UTF-8/],
    ['empty captions only', { 'captions.csv': 'file,caption\na.png,\n' }, /no captions/],
    [
      'two lists',
      { 'captions.csv': 'file,caption\na.png,x\n', 'captions.tsv': '' },
      /more than one caption list/,
    ],
  ])('refused: %s', async (_, files, message) => {
    put({ 'a.png': '', ...files });
    const failure = openPictureFolder(folder);
    await expect(failure).rejects.toThrow(DataError);
    await expect(failure).rejects.toThrow(message);
  });
});

describe('refused folders', () => {
  test('that do not exist, are empty, or have no captions', async () => {
    await expect(openPictureFolder(join(folder, 'nowhere'))).rejects.toThrow(/nowhere: can't be read/);
    await expect(openPictureFolder(folder)).rejects.toThrow(/no pictures in it/);
    put({ 'sub/a.png': '' });
    await expect(openPictureFolder(folder)).rejects.toThrow(/1 pictures but no captions.*sub\/a\.txt/);
    expect((await listPictures(folder)).map(({ file }) => file)).toEqual(['sub/a.png']);
    await expect(openPictureFolder(join(folder, 'sub/a.png'))).rejects.toThrow(/it is a file/);
  });
});

test('the digest follows names, captions and their order', async () => {
  put({ 'a.png': '', 'a.txt': 'one\ntwo' });
  const first = sourceDigest(await openPictureFolder(folder));
  expect(sourceDigest(await openPictureFolder(folder))).toBe(first);
  put({ 'a.txt': 'two\none' });
  expect(sourceDigest(await openPictureFolder(folder))).not.toBe(first);
});
