import { type FileHandle, open } from 'node:fs/promises';
import { extname } from 'node:path';
import { DataError } from '@easel/core';
import { writeFileAtomic } from '@easel/core/node';
import { type AsyncBuffer, parquetMetadataAsync, parquetReadObjects, type SchemaElement } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { parquetWriteBuffer } from 'hyparquet-writer';

/** A row of an encoded set: a caption, its picture's image tokens in row-major order, and the picture's name. */
export interface EncodedRow {
  readonly caption: string;
  readonly encoding: ArrayLike<number>;
  readonly source: string;
}

/** How a shard is stored. */
export type ShardFormat = 'parquet' | 'jsonl';

/** Names of the columns of a shard that hold the caption and the image tokens. */
export interface ShardColumns {
  readonly caption: string;
  readonly encoding: string;
  /** Further columns to read, for filters; a shard without one is refused. */
  readonly others?: readonly string[];
}

/** The columns that `writeShard` writes and the original's encoding notebook wrote. */
export const defaultShardColumns: ShardColumns = { caption: 'caption', encoding: 'encoding' };

/**
 * The parquet schema of a shard: caption string, encoding list<int32>, source string.
 * Spelt out because hyparquet-writer would store a guessed list column as JSON text.
 */
const shardSchema: SchemaElement[] = [
  { name: 'root', num_children: 3 },
  { name: 'caption', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
  { name: 'encoding', repetition_type: 'REQUIRED', num_children: 1, converted_type: 'LIST' },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  { name: 'element', type: 'INT32', repetition_type: 'REQUIRED' },
  { name: 'source', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
];

/** Writes a shard atomically: after a crash the file is either whole or not there. The format follows the ending. */
export async function writeShard(path: string, rows: readonly EncodedRow[]): Promise<void> {
  if (extname(path) === '.jsonl') {
    const lines = rows.map(({ caption, encoding, source }) =>
      JSON.stringify({ caption, encoding: Array.from(encoding), source }),
    );
    await writeFileAtomic(path, lines.map((line) => `${line}\n`).join(''));
    return;
  }
  const bytes = parquetWriteBuffer({
    schema: shardSchema,
    columnData: [
      { name: 'caption', data: rows.map((row) => row.caption) },
      { name: 'encoding', data: rows.map((row) => Array.from(row.encoding)) },
      { name: 'source', data: rows.map((row) => row.source) },
    ],
    statistics: false,
  });
  await writeFileAtomic(path, new Uint8Array(bytes));
}

/** A row as it was found in a shard, nothing of it checked yet; `row` counts from 0. */
export interface UncheckedRow {
  readonly row: number;
  readonly caption: unknown;
  readonly encoding: unknown;
  /** The picture's name where the shard has a column `source`, else undefined. */
  readonly source: unknown;
  /** Values of the further columns that were asked for. */
  readonly others: Readonly<Record<string, unknown>>;
}

/**
 * The rows of a .parquet or .jsonl shard, a row group or a line at a time.
 * Throws DataError, naming the file and where possible the row, for a file that isn't what its ending says or lacks a column.
 */
export async function* readShard(
  path: string,
  columns: ShardColumns = defaultShardColumns,
): AsyncGenerator<UncheckedRow> {
  const file = await open(path).catch((error: Error) => {
    throw new DataError(`Shard ${path}: can't be opened (${error.message}).`);
  });
  try {
    if (extname(path) === '.jsonl') yield* readJsonlShard(file, path, columns);
    else yield* readParquetShard(file, path, columns);
  } finally {
    await file.close();
  }
}

async function* readJsonlShard(
  file: FileHandle,
  path: string,
  columns: ShardColumns,
): AsyncGenerator<UncheckedRow> {
  let row = 0;
  for await (const line of file.readLines({ autoClose: false })) {
    if (line.trim() === '') continue;
    let value: Record<string, unknown>;
    try {
      value = JSON.parse(line) as Record<string, unknown>;
    } catch (error) {
      throw new DataError(`Shard ${path}, row ${row}: not a line of JSON (${(error as Error).message}).`);
    }
    requireColumns(path, Object.keys(value ?? {}), columns);
    yield uncheckedRow(row, value, columns);
    row++;
  }
}

async function* readParquetShard(
  file: FileHandle,
  path: string,
  columns: ShardColumns,
): AsyncGenerator<UncheckedRow> {
  const byteLength = (await file.stat()).size;
  const buffer: AsyncBuffer = {
    byteLength,
    async slice(start, end = byteLength) {
      const bytes = new Uint8Array(end - start);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, start);
      if (bytesRead !== bytes.length) throw new Error(`the file ends at byte ${start + bytesRead}`);
      return bytes.buffer;
    },
  };
  const notParquet = (error: unknown) =>
    new DataError(
      `Shard ${path}: not a whole parquet file (${(error as Error).message}). Is it a truncated copy?`,
    );
  const metadata = await parquetMetadataAsync(buffer).catch((error) => {
    throw notParquet(error);
  });
  // Names of the top-level columns: the children of the root, each followed by its own descendants.
  const names: string[] = [];
  for (let i = 1; i < metadata.schema.length; i = skipSubtree(metadata.schema, i))
    names.push(metadata.schema[i]?.name ?? '');
  requireColumns(path, names, columns);
  let row = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = row + Number(group.num_rows);
    const rows = await parquetReadObjects({
      file: buffer,
      metadata,
      compressors,
      columns: [...wanted(columns), ...(names.includes('source') ? ['source'] : [])],
      rowStart: row,
      rowEnd,
    }).catch((error) => {
      throw notParquet(error);
    });
    for (const value of rows) yield uncheckedRow(row++, value, columns);
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

/** The index after element i of a depth-first parquet schema and everything below it. */
function skipSubtree(schema: readonly SchemaElement[], i: number): number {
  let next = i + 1;
  for (let child = 0; child < (schema[i]?.num_children ?? 0); child++) next = skipSubtree(schema, next);
  return next;
}

function requireColumns(path: string, found: readonly string[], columns: ShardColumns): void {
  for (const name of wanted(columns))
    if (!found.includes(name))
      throw new DataError(`Shard ${path}: no column '${name}'. It has ${found.join(', ') || 'no columns'}.`);
}
