import type { FileHandle } from 'node:fs/promises';
import { DataError } from '@easel/core';
import {
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  type RowGroup,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { foreignKindOf, SIGNATURE_BYTES } from './foreign-file.js';
import { afterSubtree, checkPages, levelsOf } from './parquet-pages.js';
import { openRegularFile } from './regular-file.js';

/**
 * A parquet file that is read a row group at a time. All pages of a group are checked before any of
 * them is decoded.
 */
export class ParquetFile {
  readonly path: string;
  /** Names of the top-level columns. */
  readonly columns: readonly string[];
  /** Rows of each group. */
  readonly groupRows: readonly number[];
  private readonly handle: FileHandle;
  private readonly buffer: AsyncBuffer;
  private readonly metadata: FileMetaData;

  private constructor(path: string, handle: FileHandle, buffer: AsyncBuffer, metadata: FileMetaData) {
    this.path = path;
    this.handle = handle;
    this.buffer = buffer;
    this.metadata = metadata;
    const { schema, row_groups } = metadata;
    const columns: string[] = [];
    for (let i = 1; i < schema.length; i = afterSubtree(schema, i)) columns.push(schema[i]?.name ?? '');
    this.columns = columns;
    this.groupRows = row_groups.map(({ num_rows }) => Number(num_rows));
  }

  /** Opens a file. Throws DataError if it can't be opened or isn't a whole parquet file. */
  static async open(path: string): Promise<ParquetFile> {
    const handle = await openRegularFile(path, `Shard ${path}`);
    let opened = false;
    try {
      const byteLength = (await handle.stat()).size;
      const buffer: AsyncBuffer = {
        byteLength,
        async slice(start, end = byteLength) {
          const bytes = new Uint8Array(requiredLength(start, end, byteLength));
          for (let done = 0; done < bytes.length; ) {
            const { bytesRead } = await handle.read(bytes, done, bytes.length - done, start + done);
            if (bytesRead === 0) throw new Error(`the file ends at byte ${start + done}`);
            done += bytesRead;
          }
          return bytes.buffer;
        },
      };
      const metadata = await parquetMetadataAsync(buffer, { geoparquet: false });
      for (const { num_rows } of metadata.row_groups)
        if (!(num_rows >= 0n && num_rows <= BigInt(2 ** 31))) throw new Error(`a group of ${num_rows} rows`);
      opened = true;
      return new ParquetFile(path, handle, buffer, metadata);
    } catch (error) {
      throw notParquet(path, error, await foreignKind(handle));
    } finally {
      if (!opened) await handle.close();
    }
  }

  /**
   * Returns the rows of group `index` as objects with these top-level columns. A value that the
   * file declares as text is a string. With `utf8` other bytes are strings too. Throws DataError
   * for damage.
   */
  async readGroup(
    index: number,
    columns: readonly string[],
    { utf8 = false }: { readonly utf8?: boolean } = {},
  ): Promise<Record<string, unknown>[]> {
    const { metadata } = this;
    const rowStart = this.groupRows.slice(0, index).reduce((sum, rows) => sum + rows, 0);
    const rowEnd = rowStart + (this.groupRows[index] ?? 0);
    if (rowEnd === rowStart) return [];
    try {
      const checked = await this.checkedGroup(metadata.row_groups[index] as RowGroup, columns);
      const rows = await parquetReadObjects({
        file: checked.buffer,
        metadata,
        compressors: checked.compressors,
        columns: [...columns],
        rowStart,
        rowEnd,
        utf8,
      });
      if (rows.length !== rowEnd - rowStart)
        throw new Error(`${rows.length} rows in a group of ${rowEnd - rowStart}`);
      return rows;
    } catch (error) {
      throw notParquet(this.path, error);
    }
  }

  /**
   * Returns a buffer that gives the checked bytes of a group's columns in place of the file's, and
   * compressors that give its mended pages.
   */
  private async checkedGroup(
    { columns, num_rows }: RowGroup,
    wanted: readonly string[],
  ): Promise<{ readonly buffer: AsyncBuffer; readonly compressors: Compressors }> {
    const chunks: { readonly start: number; readonly bytes: Uint8Array }[] = [];
    const mended = new Map<number, Uint8Array>();
    for (const { meta_data: column } of columns) {
      if (column === undefined) throw new Error('a column without metadata');
      if (!wanted.includes(column.path_in_schema[0] ?? '')) continue;
      const start = Number(column.dictionary_page_offset || column.data_page_offset);
      const bytes = new Uint8Array(
        await this.buffer.slice(start, start + Number(column.total_compressed_size)),
      );
      const levels = levelsOf(this.metadata.schema, column.path_in_schema);
      for (const { at, page } of checkPages(bytes, column, levels, Number(num_rows)))
        mended.set(start + at, page);
      chunks.push({ start, bytes });
    }
    /** Byte of the file at which each buffer that hyparquet was given begins. */
    const starts = new WeakMap<ArrayBufferLike, number>();
    const { byteLength } = this.buffer;
    const slice = async (start: number, end = byteLength): Promise<ArrayBuffer> => {
      const whole = chunks.find((chunk) => chunk.start === start && chunk.bytes.length === end - start);
      const bytes = whole?.bytes ?? new Uint8Array(await this.buffer.slice(start, end));
      if (whole === undefined) for (const chunk of chunks) overlay(bytes, start, chunk);
      starts.set(bytes.buffer, start);
      return bytes.buffer as ArrayBuffer;
    };
    const withMended = Object.entries(compressors).map(([codec, decompress]) => [
      codec,
      (input: Uint8Array, size: number) =>
        size === 0
          ? new Uint8Array(0)
          : (mended.get((starts.get(input.buffer) ?? Number.NaN) + input.byteOffset) ??
            decompress(input, size)),
    ]);
    return { buffer: { byteLength, slice }, compressors: Object.fromEntries(withMended) as Compressors };
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}

/** Returns the number of bytes from `start` to `end`. Throws Error unless they are in the file. */
function requiredLength(start: number, end: number, byteLength: number): number {
  if (!(start >= 0 && end >= start && end <= byteLength))
    throw new Error(`it refers to bytes ${start} to ${end} of ${byteLength}`);
  return end - start;
}

/**
 * Copies into `bytes` the part of it that a chunk covers. `bytes` begins at byte `start` of the
 * file.
 */
function overlay(
  bytes: Uint8Array,
  start: number,
  chunk: { readonly start: number; readonly bytes: Uint8Array },
): void {
  const from = Math.max(start, chunk.start);
  const to = Math.min(start + bytes.length, chunk.start + chunk.bytes.length);
  if (from < to) bytes.set(chunk.bytes.subarray(from - chunk.start, to - chunk.start), from - start);
}

/** Says what a file that isn't parquet is, if that is known. */
async function foreignKind(handle: FileHandle): Promise<string | undefined> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(SIGNATURE_BYTES), 0, SIGNATURE_BYTES, 0);
  return foreignKindOf(buffer.subarray(0, bytesRead));
}

function notParquet(path: string, error: unknown, foreign?: string): DataError {
  if (foreign !== undefined) return new DataError(`Shard ${path}: ${foreign}.`);
  const reason = error instanceof Error ? error.message : String(error);
  return new DataError(`Shard ${path}: not a whole parquet file (${reason}). Is it a truncated copy?`);
}
