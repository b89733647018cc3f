import type { FileHandle } from 'node:fs/promises';
import { extname } from 'node:path';
import { DataError } from '@easel/core';
import { writeFileAtomic } from '@easel/core/internals/node';
import type { SchemaElement } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { fileLines } from '../sources/byte-lines.js';
import { parseJsonText } from '../sources/json-text.js';
import { ParquetFile } from '../sources/parquet-file.js';
import { openRegularFile } from '../sources/regular-file.js';

/**
 * A row of an encoded set: a caption, its picture's image tokens in row-major order, and the
 * picture's name.
 */
export interface EncodedRow {
  readonly caption: string;
  readonly encoding: ArrayLike<number>;
  readonly source: string;
  /** How well the caption fits the picture, if a CLIP scored it. */
  readonly clipScore?: number;
}

/** How a shard is stored. */
export type ShardFormat = 'parquet' | 'jsonl';

/** Names of the columns of a shard that hold the caption and the image tokens. */
export interface ShardColumns {
  readonly caption: string;
  readonly encoding: string;
  /** Further columns that filters read. A shard that lacks one is refused. */
  readonly others?: readonly string[];
}

/** The columns that `writeShard` writes and the original's encoding notebook wrote. */
export const defaultShardColumns: ShardColumns = { caption: 'caption', encoding: 'encoding' };

/**
 * The parquet schema of a shard: caption string, encoding list<int32>, source string.
 * Spelt out because hyparquet-writer would store a guessed list column as JSON text.
 */
const shardSchema: readonly SchemaElement[] = [
  { name: 'caption', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
  { name: 'encoding', repetition_type: 'REQUIRED', num_children: 1, converted_type: 'LIST' },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  { name: 'element', type: 'INT32', repetition_type: 'REQUIRED' },
  { name: 'source', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
];

const scoreSchema: SchemaElement = { name: 'clip_score', type: 'FLOAT', repetition_type: 'REQUIRED' };

/**
 * Writes a shard atomically: after a crash the file is either whole or not there. The format
 * follows the ending. With `scores` there is a column `clip_score` (float32), and every row must
 * have one.
 */
export async function writeShard(
  path: string,
  rows: readonly EncodedRow[],
  { scores = false }: { readonly scores?: boolean } = {},
): Promise<void> {
  if (extname(path) === '.jsonl') {
    const lines = rows.map(({ caption, encoding, source, clipScore }) =>
      JSON.stringify({
        caption,
        encoding: Array.from(encoding),
        source,
        ...(scores && { clip_score: clipScore }),
      }),
    );
    await writeFileAtomic(path, lines.map((line) => `${line}\n`).join(''));
    return;
  }
  const bytes = parquetWriteBuffer({
    schema: [
      { name: 'root', num_children: scores ? 4 : 3 },
      ...shardSchema,
      ...(scores ? [scoreSchema] : []),
    ],
    columnData: [
      { name: 'caption', data: rows.map((row) => row.caption) },
      { name: 'encoding', data: rows.map((row) => Array.from(row.encoding)) },
      { name: 'source', data: rows.map((row) => row.source) },
      ...(scores ? [{ name: 'clip_score', data: rows.map((row) => row.clipScore as number) }] : []),
    ],
    statistics: false,
  });
  await writeFileAtomic(path, new Uint8Array(bytes));
}

/** A row as it was found in a shard. None of it is checked yet. `row` counts from 0. */
export interface UncheckedRow {
  readonly row: number;
  readonly caption: unknown;
  readonly encoding: unknown;
  /** The picture's name if the shard has a column `source`; otherwise undefined. */
  readonly source: unknown;
  /** Values of the further columns that were asked for. */
  readonly others: Readonly<Record<string, unknown>>;
}

/**
 * Yields the rows of a .parquet or .jsonl shard. It reads a row group or a line at a time. Throws
 * DataError, naming the file and if possible the row, for a file that isn't what its ending says or
 * lacks a column.
 */
export async function* readShard(
  path: string,
  columns: ShardColumns = defaultShardColumns,
): AsyncGenerator<UncheckedRow> {
  if (extname(path) === '.jsonl') yield* readJsonlShard(path, columns);
  else yield* readParquetShard(path, columns);
}

async function* readJsonlShard(path: string, columns: ShardColumns): AsyncGenerator<UncheckedRow> {
  const file = await openRegularFile(path, `Shard ${path}`);
  try {
    yield* jsonlRows(file, path, columns);
  } finally {
    await file.close();
  }
}

async function* jsonlRows(
  file: FileHandle,
  path: string,
  columns: ShardColumns,
): AsyncGenerator<UncheckedRow> {
  let row = 0;
  for await (const bytes of fileLines(file)) {
    const line = row === 0 ? bytes.toString().replace(/^\uFEFF/, '') : bytes.toString();
    if (line.trim() === '') continue;
    let value: Record<string, unknown>;
    try {
      value = (parseJsonText(line) ?? {}) as Record<string, unknown>;
    } catch (error) {
      throw new DataError(`Shard ${path}, row ${row}: not a line of JSON (${(error as Error).message}).`);
    }
    if (row === 0) requireColumns(path, Object.keys(value ?? {}), columns);
    yield uncheckedRow(row, value, columns);
    row++;
  }
}

async function* readParquetShard(path: string, columns: ShardColumns): AsyncGenerator<UncheckedRow> {
  const file = await ParquetFile.open(path);
  try {
    requireColumns(path, file.columns, columns);
    const names = [...wanted(columns), ...(file.columns.includes('source') ? ['source'] : [])];
    let row = 0;
    for (const group of file.groupRows.keys())
      for (const value of await file.readGroup(group, names, { utf8: true }))
        yield uncheckedRow(row++, value, columns);
  } finally {
    await file.close();
  }
}

function wanted({ caption, encoding, others = [] }: ShardColumns): string[] {
  return [...new Set([caption, encoding, ...others])];
}

function uncheckedRow(row: number, value: Record<string, unknown>, columns: ShardColumns): UncheckedRow {
  return {
    row,
    caption: value[columns.caption],
    encoding: value[columns.encoding],
    source: value.source,
    others: Object.fromEntries((columns.others ?? []).map((name) => [name, value[name]])),
  };
}

function requireColumns(path: string, found: readonly string[], columns: ShardColumns): void {
  for (const name of wanted(columns))
    if (!found.includes(name))
      throw new DataError(`Shard ${path}: no column '${name}'. It has ${found.join(', ') || 'no columns'}.`);
}
