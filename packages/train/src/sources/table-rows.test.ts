import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { tableRows } from './table-rows.js';

interface Table {
  readonly delimiter: ',' | '\t';
  readonly text: string;
  readonly rows: readonly (readonly string[])[];
}

/**
 * Returns the rows of a text that comes in pieces of so many characters. Lines that begin with the
 * name of a picture are rows.
 */
async function rowsOf({ delimiter, text }: Pick<Table, 'delimiter' | 'text'>, size = 1 << 16) {
  async function* pieces() {
    for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
  }
  const rows: { fields: readonly string[]; line: number }[] = [];
  const isRow = (fields: readonly string[]) => fields.length === 2 && fields[0]?.endsWith('.png') === true;
  for await (const { fields, line } of tableRows(pieces(), { delimiter, isRow })) rows.push({ fields, line });
  return rows;
}

const fieldsOf = async (text: string) => (await rowsOf({ delimiter: ',', text })).map(({ fields }) => fields);

/** Tables that Python's csv wrote (`reference/make-source-files.py`). */
const tables = JSON.parse(
  readFileSync(new URL('golden/tables.json', import.meta.url), 'utf8'),
) as readonly Table[];

test.each(tables.map((table, i) => [i, table] as const))('table %i of Python', async (_, table) => {
  for (const size of [1, 7, 1 << 16])
    expect((await rowsOf(table, size)).map(({ fields }) => fields)).toEqual(table.rows);
});

describe('quotes that enclose nothing', () => {
  test.each([
    [
      'one',
      'a.png,"5 inch\nb.png,x\n',
      [
        ['a.png', '"5 inch'],
        ['b.png', 'x'],
      ],
    ],
    [
      'a pair of them',
      'a.png,"5\nb.png,x\nc.png,"7\n',
      [
        ['a.png', '"5'],
        ['b.png', 'x'],
        ['c.png', '"7'],
      ],
    ],
    [
      'one, and the end of a later row',
      'a.png,"5\nb.png,7"\n',
      [
        ['a.png', '"5'],
        ['b.png', '7"'],
      ],
    ],
    [
      'one before an enclosed field',
      'a.png,"5\nb.png,"x, y"\n',
      [
        ['a.png', '"5'],
        ['b.png', 'x, y'],
      ],
    ],
    ['text after the closing one', 'a.png,"so" he said\n', [['a.png', '"so" he said']]],
    [
      'a doubled one at the end',
      'a.png,"5""\nb.png,x',
      [
        ['a.png', '"5""'],
        ['b.png', 'x'],
      ],
    ],
    ['the last row', 'a.png,"', [['a.png', '"']]],
  ])('%s', async (_, text, rows) => {
    expect(await fieldsOf(text)).toEqual(rows);
  });

  test('line breaks within quotes stay, where what they part are no rows', async () => {
    expect(await fieldsOf('a.png,"one\nwell, two"\nb.png,x\n')).toEqual([
      ['a.png', 'one\nwell, two'],
      ['b.png', 'x'],
    ]);
  });

  test('one that is never closed, before a megabyte of rows', async () => {
    const text = `a.png,"5\n${'b.png,some caption\n'.repeat(80_000)}`;
    expect(await rowsOf({ delimiter: ',', text })).toHaveLength(80_001);
  });
});

test('lines are counted by all three ends, inside quotes too', async () => {
  const rows = await rowsOf({ delimiter: ',', text: 'a,b\r\n1,"x\ry\r\nz"\r2,z\n\n3,w' });
  expect(rows.map(({ line, fields }) => [line, fields[0]])).toEqual([
    [1, 'a'],
    [2, '1'],
    [5, '2'],
    [7, '3'],
  ]);
});
