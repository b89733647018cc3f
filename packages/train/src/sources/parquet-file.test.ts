import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { ParquetFile } from './parquet-file.js';

/**
 * Files that DuckDB, pyarrow and polars wrote (`reference/make-source-files.py`), and their rows.
 */
const golden = fileURLToPath(new URL('golden/', import.meta.url));
const expected = JSON.parse(readFileSync(`${golden}expected.json`, 'utf8')) as Record<
  string,
  Record<string, unknown>[]
>;

const columns = ['image', 'caption', 'texts', 'encoding', 'flag'];

function plain(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number>);
  return Array.isArray(value) ? value.map(plain) : value;
}

describe("other programs' files", () => {
  test.each(Object.keys(expected))('%s', async (name) => {
    const file = await ParquetFile.open(`${golden}${name}`);
    try {
      const rows: Record<string, unknown>[] = [];
      for (const group of file.groupRows.keys()) rows.push(...(await file.readGroup(group, columns)));
      expect(rows.map((row) => Object.fromEntries(columns.map((key) => [key, plain(row[key])])))).toEqual(
        expected[name],
      );
      const last = file.groupRows.length - 1;
      const captions = await file.readGroup(last, ['caption']);
      expect(captions.at(-1)?.caption ?? null).toEqual(expected[name]?.at(-1)?.caption);
    } finally {
      await file.close();
    }
  });
});
