import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataError } from '@easel/core';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parquetMetadataAsync } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { readEncodedSet } from './encoded-set.js';
import { NO_FILTER } from './row-filter.js';
import { type EncodedRow, writeShard } from './shards.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'easel-encoded-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const rows: EncodedRow[] = [
  { caption: 'a red heart', encoding: [1, 2, 3], source: 'heart.png' },
  { caption: '', encoding: Int32Array.of(0, 9, 4), source: 'a/b.png' },
  { caption: 'ein rötlicher Apfel 🍎', encoding: [5, 5, 5], source: 'c.png' },
];
const shape = { imageLength: 3, imageVocabSize: 10 };

describe.each(['parquet', 'jsonl'] as const)('%s shards', (format) => {
  test('are read back in the order of their names', async () => {
    await writeShard(join(folder, `shard-00001.${format}`), rows.slice(2));
    await writeShard(join(folder, `shard-00000.${format}`), rows.slice(0, 2));
    const set = await readEncodedSet(folder, shape);
    expect(set.captions).toEqual(['a red heart', '', 'ein rötlicher Apfel 🍎']);
    expect([...set.encodings]).toEqual([1, 2, 3, 0, 9, 4, 5, 5, 5]);
    expect((await readEncodedSet(join(folder, `shard-00001.${format}`), shape)).captions).toHaveLength(1);
  });

  test('without rows are allowed beside others, alone they are an empty set', async () => {
    await writeShard(join(folder, `shard-00000.${format}`), []);
    await expect(readEncodedSet(folder, shape)).rejects.toThrow(/no rows/);
    await writeShard(join(folder, `shard-00001.${format}`), rows);
    expect((await readEncodedSet(folder, shape)).captions).toHaveLength(3);
  });

  test('more rows than the first allocation', async () => {
    const many = Array.from({ length: 3000 }, (_, i) => ({
      caption: `c${i}`,
      encoding: [i % 10, 1, 2],
      source: 's',
    }));
    await writeShard(join(folder, `shard-00000.${format}`), many);
    const set = await readEncodedSet(folder, shape);
    expect(set.encodings).toHaveLength(9000);
    expect(set.encodings[2999 * 3]).toBe(9);
  });

  test.each([
    ['another length', [1, 2], /row 1: expected 3 image tokens.*got 2/],
    ['a token too large', [1, 2, 10], /row 1: image token 2 is 10, expected an integer from 0 to 9/],
    ['a negative token', [-1, 2, 3], /row 1: image token 0 is -1/],
  ])('refused: %s', async (_, encoding, message) => {
    await writeShard(join(folder, `x.${format}`), [
      rows[0] as EncodedRow,
      { caption: 'x', encoding, source: 's' },
    ]);
    await expect(readEncodedSet(folder, shape)).rejects.toThrow(DataError);
    await expect(readEncodedSet(folder, shape)).rejects.toThrow(message);
    await expect(readEncodedSet(folder, shape)).rejects.toThrow(`x.${format}`);
  });
});

test('the parquet schema is caption string, encoding list<int32>, source string', async () => {
  await writeShard(join(folder, 'x.parquet'), rows);
  const file = new Uint8Array(readFileSync(join(folder, 'x.parquet'))).buffer;
  const { schema } = await parquetMetadataAsync(file);
  expect(
    schema.map(({ name, type, converted_type, repetition_type }) => [
      name,
      type,
      converted_type,
      repetition_type,
    ]),
  ).toEqual([
    ['root', undefined, undefined, undefined],
    ['caption', 'BYTE_ARRAY', 'UTF8', 'REQUIRED'],
    ['encoding', undefined, 'LIST', 'REQUIRED'],
    ['list', undefined, undefined, 'REPEATED'],
    ['element', 'INT32', undefined, 'REQUIRED'],
    ['source', 'BYTE_ARRAY', 'UTF8', 'REQUIRED'],
  ]);
});

test('encodings written as text, and other column names', async () => {
  const bytes = parquetWriteBuffer({
    columnData: [
      { name: 'text', data: ['a', 'b'], type: 'STRING' },
      { name: 'codes', data: ['[1, 2, 3]', '[4,5,6]'], type: 'STRING' },
    ],
  });
  writeFileSync(join(folder, 'x.parquet'), new Uint8Array(bytes));
  const set = await readEncodedSet(folder, shape, { caption: 'text', encoding: 'codes' });
  expect([...set.encodings]).toEqual([1, 2, 3, 4, 5, 6]);
  await expect(readEncodedSet(folder, shape)).rejects.toThrow(/no column 'caption'. It has text, codes/);
});

test('the digest follows captions, tokens and order', async () => {
  const digest = async (content: EncodedRow[]) => {
    await writeShard(join(folder, 'x.jsonl'), content);
    return (await readEncodedSet(folder, shape)).digest;
  };
  const first = await digest(rows);
  expect(await digest(rows)).toBe(first);
  expect(await digest([...rows].reverse())).not.toBe(first);
  expect(await digest(rows.map((row) => ({ ...row, encoding: [1, 2, 3] })))).not.toBe(first);
});

describe('refused', () => {
  test.each([
    [
      'a truncated parquet file',
      'x.parquet',
      'PAR1 and nothing more',
      /x\.parquet: not a whole parquet file/,
    ],
    ['an empty parquet file', 'x.parquet', '', /x\.parquet: not a whole parquet file/],
    [
      'a line that is not JSON',
      'x.jsonl',
      '{"caption":"a","encoding":[1,2,3]}\nnonsense\n',
      /row 1: not a line of JSON/,
    ],
    [
      'a caption that is not text',
      'x.jsonl',
      '{"caption":7,"encoding":[1,2,3]}',
      /row 0: expected a caption as text, got 7/,
    ],
    [
      'an encoding that is no list',
      'x.jsonl',
      '{"caption":"a","encoding":"abc"}',
      /row 0: expected a list of image tokens/,
    ],
    ['a fractional token', 'x.jsonl', '{"caption":"a","encoding":[1,2.5,3]}', /image token 1 is 2\.5/],
    ['no shards', 'notes.md', '', /no \.parquet or \.jsonl shards in it, it has only \.md\. Make some/],
    ['pictures', 'a.PNG', '', /no \.parquet or \.jsonl shards in it, but 1 picture\. Encode them first/],
  ])('%s', async (_, name, content, message) => {
    writeFileSync(join(folder, name), content);
    await expect(readEncodedSet(folder, shape)).rejects.toThrow(DataError);
    await expect(readEncodedSet(folder, shape)).rejects.toThrow(message);
  });

  test('a path that does not exist, a file of another kind, both kinds of shards', async () => {
    await expect(readEncodedSet(join(folder, 'nowhere'), shape)).rejects.toThrow(/nowhere: can't be read/);
    writeFileSync(join(folder, 'x.csv'), '');
    await expect(readEncodedSet(join(folder, 'x.csv'), shape)).rejects.toThrow(/expected a folder of shards/);
    await writeShard(join(folder, 'x.jsonl'), rows);
    await writeShard(join(folder, 'x.parquet'), rows);
    await expect(readEncodedSet(folder, shape)).rejects.toThrow(/parquet and jsonl/);
  });
});

test('rows without caption, tokens or score are left out and counted; NaN is tolerated', async () => {
  const lines = [
    '\uFEFF{"caption": "one", "encoding": [1, 2, 3], "clip_score": 0.5}',
    '{"caption": null, "encoding": [1, 2, 3], "clip_score": 0.5}',
    '{"encoding": [1, 2, 3], "clip_score": 0.5}',
    '{"caption": NaN, "encoding": [1, 2, 3], "clip_score": 0.5}',
    '{"caption": "two", "encoding": null, "clip_score": 0.5}',
    '{"caption": "three", "encoding": [4, 5, 6], "clip_score": NaN}',
    '{"caption": "four", "encoding": [7, 8, 9], "clip_score": 0.1}',
  ];
  writeFileSync(join(folder, 'set.jsonl'), lines.join('\n'));
  const all = await readEncodedSet(folder, shape);
  expect(all.captions).toEqual(['one', 'three', 'four']);
  expect([...all.encodings]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect([all.rows, all.leftOut]).toEqual([7, { 'row without caption': 3, 'row without tokens': 1 }]);
  const filter = { ...NO_FILTER, minClipScore: 0.2 };
  const some = await readEncodedSet(folder, shape, undefined, { filter });
  expect(some.captions).toEqual(['one']);
  expect([some.rows, some.leftOut]).toEqual([
    7,
    { 'row without caption': 3, 'row without tokens': 1, 'row without score': 1, 'filtered row': 1 },
  ]);
});
