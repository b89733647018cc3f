import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, DataError } from '@easel/core';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { SchemaElement } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { drawPictures } from '../../testing/drawings.js';
import { openPictures } from './open-pictures.js';
import { openParquetPictures } from './parquet-pictures.js';
import type { CaptionedPicture, PictureSource, ReadRange } from './picture-source.js';

let root: string;
let files: Uint8Array[];
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'easel-parquet-'));
  const names = await drawPictures(root, 5);
  files = names.map((name) => new Uint8Array(readFileSync(join(root, name))));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const text: SchemaElement = {
  name: 'caption',
  type: 'BYTE_ARRAY',
  converted_type: 'UTF8',
  repetition_type: 'OPTIONAL',
};
const plain: SchemaElement[] = [{ name: 'image', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' }];
/** As Hugging Face's datasets write an Image column. */
const structured: SchemaElement[] = [
  { name: 'image', repetition_type: 'OPTIONAL', num_children: 2 },
  { name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
  { name: 'path', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
];

function write(
  name: string,
  image: { schema: SchemaElement[]; data: unknown[] },
  captions: unknown[],
  caption: SchemaElement[] = [text],
): string {
  const path = join(root, name);
  const bytes = parquetWriteBuffer({
    schema: [{ name: 'root', num_children: 2 }, ...caption, ...image.schema],
    columnData: [
      { name: caption[0]?.name as string, data: captions },
      { name: image.schema[0]?.name as string, data: image.data },
    ],
    rowGroupSize: 2,
  });
  writeFileSync(path, new Uint8Array(bytes));
  return path;
}

async function all(source: PictureSource, range?: ReadRange): Promise<CaptionedPicture[]> {
  const pictures: CaptionedPicture[] = [];
  for await (const picture of source.read(range)) pictures.push(picture);
  return pictures;
}

const captions = ['one', 'two', 'three', 'four', 'five'];

test.each([
  ['a column of bytes', () => ({ schema: plain, data: files })],
  [
    'structures with bytes',
    () => ({ schema: structured, data: files.map((bytes) => ({ bytes, path: null })) }),
  ],
])('%s, over two files and several row groups, from any row on', async (_, image) => {
  write('part-0.parquet', image(), captions);
  write(
    'part-1.parquet',
    image(),
    captions.map((caption) => `${caption} more`),
  );
  const source = await openPictures(join(root, 'part-{0..1}.parquet'));
  expect(source.length).toBe(10);
  const pictures = await all(source);
  expect(pictures.map(({ file }) => file).slice(4, 6)).toEqual(['part-0.parquet/4', 'part-1.parquet/0']);
  expect(pictures.map((picture) => picture.captions).slice(4, 6)).toEqual([['five'], ['one more']]);
  for (const [i, picture] of pictures.entries()) expect(await picture.bytes()).toEqual(files[i % 5]);
  for (let from = 0; from <= 10; from++)
    expect((await all(source, { from, to: from + 3 })).map(({ file }) => file)).toEqual(
      pictures.slice(from, from + 3).map(({ file }) => file),
    );
  expect((await all(source, { from: 3, pictures: false })).map((picture) => picture.captions[0])).toEqual([
    'four',
    'five',
    ...captions.map((caption) => `${caption} more`),
  ]);
});

test('nulls are a missing picture and no caption; captions may be bytes or lists of texts', async () => {
  const image = { schema: plain, data: [files[0], null, files[2]] };
  const binary: SchemaElement = { name: 'caption', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' };
  const bytes = [new TextEncoder().encode(' as bytes '), new TextEncoder().encode('x'), Uint8Array.of(0xff)];
  const [first, second, third] = await all(
    await openParquetPictures([write('a.parquet', image, bytes, [binary])]),
  );
  expect(first?.captions).toEqual(['as bytes']);
  await expect(second?.bytes()).rejects.toMatchObject({ kind: 'missing' });
  expect(third?.problem).toMatchObject({ kind: 'broken caption' });
  const list: SchemaElement[] = [
    { name: 'text', repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { ...text, name: 'element' },
  ];
  const lists = [['a', ' ', 'b'], [], null];
  const path = write('b.parquet', { schema: plain, data: files.slice(0, 3) }, lists, list);
  expect((await all(await openParquetPictures([path]))).map((picture) => picture.captions)).toEqual([
    ['a', 'b'],
    [],
    [],
  ]);
});

test('files of one name in several folders stay apart', async () => {
  for (const folder of ['p', 'q']) {
    mkdirSync(join(root, folder));
    write(join(folder, 'x.parquet'), { schema: plain, data: files.slice(0, 1) }, ['one']);
  }
  const pictures = await all(await openPictures(join(root, '?/x.PARQUET'.toLowerCase())));
  expect(pictures.map(({ file }) => file)).toEqual(['p/x.parquet/0', 'q/x.parquet/0']);
});

describe('columns', () => {
  const renamed = (name: string, schema: SchemaElement[]) => [
    { ...(schema[0] as SchemaElement), name },
    ...schema.slice(1),
  ];

  test('of other names are found if they are usual, or named', async () => {
    const usual = write(
      'a.parquet',
      { schema: renamed('jpg', plain), data: files },
      captions,
      renamed('txt', [text]),
    );
    expect((await all(await openPictures(usual)))[0]?.captions).toEqual(['one']);
    const odd = write(
      'b.parquet',
      { schema: renamed('scan', structured), data: files.map((bytes) => ({ bytes })) },
      captions,
      renamed('alt', [text]),
    );
    await expect(openPictures(odd)).rejects.toThrow(
      /none of its columns is called image, jpg.*It has alt, scan/,
    );
    const source = await openPictures({ path: odd, imageColumn: 'scan', captionColumn: 'alt' });
    expect(await (await all(source))[4]?.bytes()).toEqual(files[4]);
    await expect(openPictures({ path: odd, imageColumn: 'scam' })).rejects.toThrow(ConfigError);
    await expect(openPictures({ path: root, captionColumn: 'alt' })).rejects.toThrow(/parquet files only/);
  });
});

describe('refused', () => {
  test('no captions in the column, unless none are wanted', async () => {
    const path = write('a.parquet', { schema: plain, data: files }, [null, '', ' ', null, null]);
    await expect(openParquetPictures([path])).rejects.toThrow(/no captions in its column 'caption'/);
    expect((await openParquetPictures([path], { captions: false })).length).toBe(5);
  });

  test('no such file, no parquet, a truncated one, no rows, one that changes meanwhile', async () => {
    await expect(openParquetPictures([join(root, 'none.parquet')])).rejects.toThrow(/can't be opened/);
    writeFileSync(join(root, 'text.parquet'), 'this is a text and no parquet file at all');
    await expect(openParquetPictures([join(root, 'text.parquet')])).rejects.toThrow(DataError);
    writeFileSync(join(root, 'lfs.parquet'), 'version https://git-lfs.github.com/spec/v1\noid sha256:0\n');
    await expect(openParquetPictures([join(root, 'lfs.parquet')])).rejects.toThrow(/it is a Git LFS pointer/);
    const empty = write('empty.parquet', { schema: plain, data: [] }, []);
    await expect(openParquetPictures([empty])).rejects.toThrow(/no rows/);
    const path = write('a.parquet', { schema: plain, data: files }, captions);
    const source = await openParquetPictures([path]);
    write('a.parquet', { schema: plain, data: files.slice(1) }, captions.slice(1));
    await expect(all(source)).rejects.toThrow(/has changed since/);
    truncateSync(path, 300);
    await expect(openParquetPictures([path])).rejects.toThrow(/not a whole parquet file/);
  });

  test('a page whose size is negative, which sent hyparquet in a circle', async () => {
    const path = write('a.parquet', { schema: plain, data: files }, captions);
    const bytes = readFileSync(path);
    // The first page header follows the magic: field 1 (type), 2 (uncompressed size) and 3
    // (compressed size), each 0x15 and a zigzag varint.
    let at = 4;
    const skipVarint = () => {
      while ((bytes[at++] as number) & 0x80);
    };
    for (let field = 0; field < 2; field++) {
      expect(bytes[at++]).toBe(0x15);
      skipVarint();
    }
    expect(bytes[at++]).toBe(0x15);
    bytes[at] = ((bytes[at] as number) & 0x80) | 0x7f; // odd in zigzag: negative
    writeFileSync(path, bytes);
    await expect(openParquetPictures([path])).rejects.toThrow(/a page of -\d+ bytes/);
  });
});
