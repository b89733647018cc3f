import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DataError } from '@easel/core';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openPictureFolder, type PictureFolderOptions } from './picture-folder.js';
import { type CaptionedPicture, PictureError, type PictureSource } from './picture-source.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'easel-pictures-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Writes files below the folder. Listing needs only names, so the pictures may be empty. */
function put(files: Record<string, string | Uint8Array>) {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}

async function all(source: PictureSource, range = {}): Promise<CaptionedPicture[]> {
  const pictures: CaptionedPicture[] = [];
  for await (const picture of source.read(range)) pictures.push(picture);
  return pictures;
}

const open = async (options?: PictureFolderOptions, at = folder) => all(await openPictureFolder(at, options));
const captionsOf = async (options?: PictureFolderOptions, at = folder) =>
  (await open(options, at)).map(({ file, captions }) => [file, captions]);

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
    expect(await captionsOf()).toEqual([
      ['a.png', ['an apple']],
      ['b/dog.JPG', ['a dog', 'a brown dog']],
      ['nameless.webp', []],
    ]);
    const source = await openPictureFolder(folder);
    expect(source.length).toBe(3);
    const [dog] = await all(source, { from: 1, to: 2 });
    expect(dog?.path).toBe(join(folder, 'b', 'dog.JPG'));
  });

  test('a BOM is dropped; a caption in another encoding than UTF-8 is something wrong with its picture', async () => {
    put({ 'a.png': '', 'a.txt': '\uFEFFan apple' });
    expect(await captionsOf()).toEqual([['a.png', ['an apple']]]);
    put({ 'a.txt': Uint8Array.of(0x61, 0xe9, 0x20), 'b.png': '', 'b.txt': 'b' });
    const [a, b] = await open();
    expect(a?.problem).toMatchObject({
      kind: 'broken caption',
      message: expect.stringMatching(/a\.txt: it isn't UTF-8/),
    });
    expect(b?.problem).toBeUndefined();
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
    expect(await captionsOf()).toEqual([
      ['b.png', ['a bee', 'bee']],
      ['sub/a.png', ['an ant']],
    ]);
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
    expect(await captionsOf({ list: join(folder, 'list.tsv') }, join(folder, 'pictures'))).toEqual([
      ['a.png', ['a 5" screen, wide']],
    ]);
  });

  test('quotes that enclose nothing end with their field; the rows after it stay rows', async () => {
    put({ 'a.png': '', 'b.png': '', 'c.png': '', 'd.png': '' });
    const rows = ['"5 inch screen', 'plain b', 'a 7"', '"so" he said'];
    const names = ['a.png', 'b.png', 'c.png', 'd.png'];
    for (const [extension, delimiter] of [
      ['csv', ','],
      ['tsv', '\t'],
    ])
      for (const end of ['\n', '\r\n', '\r']) {
        const lines = ['file', ...names].map(
          (name, i) => `${name}${delimiter}${i === 0 ? 'caption' : rows[i - 1]}${end}`,
        );
        put({ [`list.${extension}`]: lines.join('') });
        expect(await captionsOf({ list: join(folder, `list.${extension}`) })).toEqual(
          names.map((name, i) => [name, [rows[i]]]),
        );
      }
  });

  test('mixed line ends, around quotes too', async () => {
    put({
      'a.png': '',
      'list.csv': 'file,caption\r\na.png,"cat"\r\na.png,"a\nb"\ra.png,dog\na.png,"owl" \r\n\r\na.png,elk',
    });
    expect(await captionsOf({ list: join(folder, 'list.csv') })).toEqual([
      ['a.png', ['cat', 'a\nb', 'dog', 'owl', 'elk']],
    ]);
    put({ 'list.jsonl': '{"file":"a.png","caption":"x"}\r{"file":"a.png","caption":"y"}\r\n' });
    expect(await captionsOf({ list: join(folder, 'list.jsonl') })).toEqual([['a.png', ['x', 'y']]]);
  });

  test('jsonl as Python writes it: NaN and Infinity, null and lists as captions, keys left out', async () => {
    put({
      'a.png': '',
      'list.jsonl': [
        '{"file": "a.png", "caption": "NaN of \\"Infinity\\"", "score": NaN, "more": [-Infinity, Infinity]}',
        '{"file": "b.png", "caption": null, "text": "from text"}',
        '{"file": "c.png", "caption": ["one", null, " ", "two"]}',
        '{"file": "d.png", "caption": NaN}',
        '{"file": "e.png"}',
      ].join('\n'),
    });
    expect(await captionsOf({ list: join(folder, 'list.jsonl') })).toEqual([
      ['a.png', ['NaN of "Infinity"']],
      ['b.png', ['from text']],
      ['c.png', ['one', 'two']],
      ['d.png', []],
      ['e.png', []],
    ]);
  });

  test('the list wins over .txt files', async () => {
    put({ 'a.png': '', 'a.txt': 'text', 'captions.csv': 'file,caption\na.png,list\n' });
    expect(await captionsOf()).toEqual([['a.png', ['list']]]);
  });

  test.each([
    [
      'pictures none of which exists',
      { 'captions.csv': 'file,caption\nb.png,x\nc.png,y\n' },
      /none of 2 pictures it names is in .*: b\.png, c\.png\. File names are relative to the list's folder/,
    ],
    ['no rows', { 'captions.jsonl': '\n' }, /no captions in it/],
    [
      'no picture column',
      { 'captions.csv': 'name,caption\na.png,x\n' },
      /no picture column.*found name, caption/,
    ],
    ['no caption column', { 'captions.tsv': 'file\ttitle\na.png\tx\n' }, /no caption column/],
    [
      'a row too short',
      { 'captions.csv': 'file,caption\na.png\n' },
      /captions\.csv, line 2: expected 2 fields \(file, caption\), got 1/,
    ],
    [
      'jsonl that is not JSON',
      { 'captions.jsonl': '{"file":"a.png","caption":"x"}\n{"file":' },
      /line 2: expected one JSON object/,
    ],
    [
      'an unclosed quote before a comma, by the line that has it',
      { 'captions.csv': 'file,caption\na.png,plain\nb.png,"5 inch, wide\nc.png,plain\n' },
      /line 3: expected 2 fields .*, got 3\. A field there begins with a quote/,
    ],
    [
      'a Git LFS pointer',
      { 'captions.jsonl': 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n' },
      /line 1: it is a Git LFS pointer/,
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

test('a picture that does not exist among others is something wrong with it, told when it is read', async () => {
  put({ 'a.png': 'pixels', 'captions.csv': 'file,caption\nb.png,x\na.png,y\n' });
  const [b, a] = await open();
  await expect(b?.bytes()).rejects.toThrow(PictureError);
  await expect(b?.bytes()).rejects.toMatchObject({
    kind: 'missing',
    message: expect.stringContaining('b.png'),
  });
  expect(Buffer.from((await a?.bytes()) ?? []).toString()).toBe('pixels');
});

test('thousands of names and rows, sorted and grouped on disk; read from any place on', async () => {
  const names = Array.from({ length: 3000 }, (_, i) => `${(i * 7919) % 3000}.png`);
  const list = names.map((file, i) => `{"file":"${file}","caption":"caption\u2028${i}"}`);
  list.push('{"file":"5.png","caption":"once more"}');
  put({ 'pictures/0.png': '', 'list.jsonl': list.join('\n') });
  const source = await openPictureFolder(join(folder, 'pictures'), { list: join(folder, 'list.jsonl') });
  expect(source.length).toBe(3000);
  const listed = await all(source);
  expect(listed.map(({ file }) => file)).toEqual(names);
  expect(listed.find(({ file }) => file === '5.png')?.captions).toEqual([
    expect.stringMatching(/^caption/),
    'once more',
  ]);
  for (const from of [0, 1, 1023, 1024, 1025, 2999, 3000])
    expect((await all(source, { from, to: from + 3 })).map(({ file }) => file)).toEqual(
      names.slice(from, from + 3),
    );
  await source.close();
});

describe('what is in folders besides', () => {
  const kinds = (source: PictureSource) => source.leftOut.map(({ kind, count }) => [kind, count]);
  const wrong = (pictures: readonly CaptionedPicture[]) =>
    pictures.map(({ file, problem }) => [file, problem?.kind]);

  test('links to folders are followed, each real folder once, loops too', async () => {
    put({ 'real/a.png': 'a', 'real/a.txt': 'a', 'z/b.png': 'b', 'z/b.txt': 'b' });
    const elsewhere = mkdtempSync(join(tmpdir(), 'easel-elsewhere-'));
    writeFileSync(join(elsewhere, 'c.png'), 'c');
    writeFileSync(join(elsewhere, 'c.txt'), 'c');
    symlinkSync(elsewhere, join(folder, 'link'));
    symlinkSync(elsewhere, join(folder, 'link2'));
    symlinkSync(folder, join(folder, 'z', 'loop'));
    symlinkSync(join(folder, 'z'), join(folder, 'alias'));
    symlinkSync(join(folder, 'real', 'a.png'), join(folder, 'z', 'd.png'));
    symlinkSync('nowhere', join(folder, 'z', 'e.png'));
    symlinkSync('nowhere', join(folder, 'broken'));
    const source = await openPictureFolder(folder);
    const pictures = await all(source);
    expect(wrong(pictures)).toEqual([
      ['link/c.png', undefined],
      ['real/a.png', undefined],
      ['z/b.png', undefined],
      ['z/d.png', undefined],
      ['z/e.png', 'missing'],
    ]);
    expect(kinds(source)).toEqual([
      ['broken link', 1],
      ['folder seen before', 3],
    ]);
    rmSync(elsewhere, { recursive: true });
  });

  test('FIFOs and sockets never hang; other formats, hidden files, lone texts and archives are counted', async () => {
    put({
      'a.png': 'a',
      'a.txt': 'a',
      'b.bmp': 'b',
      'b.txt': 'b',
      'c.JFIF': 'c',
      'c.TXT': 'c',
      'notes.txt': 'n',
      '.h.png': 'h',
      'x.tar': '',
    });
    execFileSync('mkfifo', [join(folder, 'f.png'), join(folder, 'g.txt')]);
    put({ 'g.png': 'g' });
    const server = createServer().listen(join(folder, 's.png'));
    await once(server, 'listening');
    const source = await openPictureFolder(folder);
    const pictures = await all(source);
    expect(wrong(pictures)).toEqual([
      ['a.png', undefined],
      ['b.bmp', 'other format'],
      ['c.JFIF', undefined],
      ['f.png', 'no file'],
      ['g.png', 'broken caption'],
      ['s.png', 'no file'],
    ]);
    expect(pictures[2]?.captions).toEqual(['c']);
    await expect(pictures[3]?.bytes()).rejects.toThrow(/f\.png: it is a FIFO and no file/);
    expect(new Map(kinds(source) as [string, number][])).toEqual(
      new Map([
        ['hidden', 1],
        ['archive', 1],
        ['text without picture', 1],
      ]),
    );
    put({ 'list.csv': 'file,caption\nf.png,x\na.png,y\n' });
    const [listed] = await open({ list: join(folder, 'list.csv') });
    await expect(listed?.bytes()).rejects.toMatchObject({ kind: 'no file' });
    server.close();
  });

  test('names in NFC and NFD, in lists and of texts; names that are not UTF-8', async () => {
    const [nfc, nfd] = ['NFC', 'NFD'].map((form) => 'é'.normalize(form)) as [string, string];
    put({
      [`${nfd}/${nfc}a.png`]: 'a',
      [`${nfd}/${nfd}b.png`]: 'b',
      [`${nfd}/${nfc}b.txt`]: 'of b',
      'list.csv': `file,caption\n${nfc}/${nfd}a.png,a\n${nfc}/${nfc}b.png,b\n${nfc}/c.png,c\n`,
    });
    const listed = await open({ list: join(folder, 'list.csv') });
    expect(Buffer.from((await listed[0]?.bytes()) ?? []).toString()).toBe('a');
    expect(Buffer.from((await listed[1]?.bytes()) ?? []).toString()).toBe('b');
    await expect(listed[2]?.bytes()).rejects.toMatchObject({ kind: 'missing' });
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.of(0xe9), Buffer.from('.png')]), 'x');
    put({ '\uFFFD.png': 'y' });
    const beside = await open();
    expect(beside.map(({ file, captions, problem }) => [file, captions[0], problem?.kind])).toEqual([
      ['caf\\xE9.png', undefined, 'unreadable'],
      [`${nfd}/${nfd}b.png`, 'of b', undefined],
      [`${nfd}/${nfc}a.png`, undefined, undefined],
      ['\uFFFD.png', undefined, undefined],
    ]);
    expect(beside[0]?.problem?.message).toMatch(/its name isn't UTF-8\. Rename it/);
  });

  test.each([
    ['jsonl', '{"file_name": "a.png", "text": "an apple"}\n'],
    ['csv', 'file_name,text\na.png,an apple\n'],
  ])("Hugging Face's metadata.%s; not one that is about something else", async (extension, content) => {
    put({ 'a.png': '', 'a.txt': 'of the text', [`metadata.${extension}`]: content });
    expect(await captionsOf()).toEqual([['a.png', ['an apple']]]);
    put({ [`metadata.${extension}`]: content.replace(/file_name|text/g, 'licence') });
    expect(await captionsOf()).toEqual([['a.png', ['of the text']]]);
    put({ 'captions.csv': 'file,caption\na.png,of the list\n' });
    expect(await captionsOf()).toEqual([['a.png', ['of the list']]]);
  });

  test('the first line of a text alone', async () => {
    put({ 'a.png': '', 'a.txt': '\n one \ntwo\nthree\n' });
    expect(await captionsOf({ captionLines: 'first' })).toEqual([['a.png', ['one']]]);
    expect(await captionsOf()).toEqual([['a.png', ['one', 'two', 'three']]]);
  });

  test('a text that is a Git LFS pointer', async () => {
    put({ 'a.png': '', 'a.txt': 'version https://git-lfs.github.com/spec/v1\n', 'b.png': '', 'b.txt': 'b' });
    expect((await open())[0]?.problem?.message).toMatch(/it is a Git LFS pointer/);
  });

  test('rows of a list that come to nothing', async () => {
    put({ 'a.png': '', 'list.csv': 'file,caption\na.png,\na.png,x\n,y\nb.png,\n' });
    const source = await openPictureFolder(folder, { list: join(folder, 'list.csv') });
    expect(kinds(source)).toEqual([
      ['row without caption', 2],
      ['row without picture', 1],
    ]);
    expect(source.leftOut[1]?.named).toEqual([
      { file: 'line 4', reason: expect.stringMatching(/line 4: it names no picture/) },
    ]);
    expect(source.length).toBe(2);
  });
});

describe('refused folders', () => {
  test('that do not exist, are empty, or have no captions', async () => {
    await expect(openPictureFolder(join(folder, 'nowhere'))).rejects.toThrow(/nowhere: can't be read/);
    await expect(openPictureFolder(folder)).rejects.toThrow(/no pictures in it/);
    put({ 'sub/a.png': '' });
    await expect(openPictureFolder(folder)).rejects.toThrow(/1 picture but no captions.*sub\/a\.txt/);
    expect(await captionsOf({ captions: false })).toEqual([['sub/a.png', []]]);
    await expect(openPictureFolder(join(folder, 'sub/a.png'))).rejects.toThrow(/it is a file/);
  });
});

test('the digest follows names and the captions of a list', async () => {
  put({ 'a.png': '', 'a.txt': 'one\ntwo' });
  const digest = async () => (await openPictureFolder(folder)).digest;
  const first = await digest();
  expect(await digest()).toBe(first);
  put({ 'b.png': '' });
  const second = await digest();
  expect(second).not.toBe(first);
  put({ 'captions.csv': 'file,caption\na.png,one\n' });
  const third = await digest();
  put({ 'captions.csv': 'file,caption\na.png,two\n' });
  expect(new Set([first, second, third, await digest()]).size).toBe(4);
});
