import { DataError, Pcg64 } from '@easel/core';
import { checkedCaption, checkedEncoding, type EncodingShape } from '../encoded/checked-row.js';
import { RowCounts } from '../encoded/row-counts.js';
import { filterColumns, leftOutRow, NO_FILTER, type RowFilter } from '../encoded/row-filter.js';
import { readShard, type ShardColumns } from '../encoded/shards.js';
import { epochGenerator, SHUFFLE_BUFFER, shuffleBuffer, shuffled } from './shuffle-buffer.js';

/** A row of a batch. */
export interface LoadedRow {
  readonly caption: string;
  /** [imageLength] */
  readonly encoding: Int32Array;
}

/** The source of the rows, and their selection. */
export interface LoaderSettings {
  /** Shards in order. */
  readonly files: readonly string[];
  readonly columns: ShardColumns;
  readonly shape: EncodingShape;
  /** Filter of the rows (default: every row passes). */
  readonly filter?: RowFilter;
  /** Number of first rows that are used, counted before shuffling and filtering. */
  readonly maxRows?: number;
  /** Function that captions go through first. */
  readonly normalize?: (caption: string) => string;
  /** The shards of each set, if they are of several sets. `maxRows` then counts in each set. */
  readonly sets?: readonly (readonly string[])[];
  /**
   * Hears of what was read and left out, each time that the rows have been read. `whole` is false if
   * the reading was broken off.
   */
  readonly onPass?: ((counts: RowCounts, whole: boolean) => void) | undefined;
}

/** Settings of drawing training rows. */
export interface ShuffleSettings {
  /** Seed of the order and of the blank captions. */
  readonly seed: number;
  /** Number of rows in memory (default 5000, as in the original). */
  readonly bufferSize?: number;
  /** Probability that a caption is replaced by the empty one. */
  readonly blankCaptions?: number;
  /**
   * Whether the rows left after an epoch's last whole batch come first in the next epoch, as in the
   * original on several machines. By default they are dropped, as in the original on one machine.
   */
  readonly carryOver?: boolean;
}

/** A place in an endless stream of batches. */
export interface StreamPosition {
  readonly epoch: number;
  /** Number of batches of this epoch that have been yielded. */
  readonly batch: number;
  /** Number of draws for blank captions before this epoch. */
  readonly blankDraws: number;
}

/** The first batch of the first epoch. */
export const STREAM_START: StreamPosition = { epoch: 0, batch: 0, blankDraws: 0 };

/** A batch of rows, with the position of the stream after it. */
export interface StreamedBatch {
  readonly rows: readonly LoadedRow[];
  readonly after: StreamPosition;
}

/**
 * Yields the rows of an encoded set in the order of its shards, filtered and with normalized
 * captions. Memory holds one row group.
 */
export async function* fileRows(settings: LoaderSettings): AsyncGenerator<LoadedRow> {
  yield* kept(rawRows(settings, settings.files), settings);
}

/** Counts the rows that `fileRows` yields, and those that it leaves out. It reads all shards. */
export async function countRows(settings: LoaderSettings): Promise<RowCounts> {
  const { files, filter = NO_FILTER } = settings;
  const counts = new RowCounts();
  for await (const row of rawRows(settings, files)) counts.add(row.file, leftOutRow(row, filter, row.where));
  settings.onPass?.(counts, true);
  return counts;
}

/**
 * Yields the rows of one epoch in random order, as `trainingBatches` does before it makes batches.
 */
export function epochRows(
  settings: LoaderSettings,
  { seed, bufferSize = SHUFFLE_BUFFER }: Pick<ShuffleSettings, 'seed' | 'bufferSize'>,
  epoch: number,
): AsyncGenerator<LoadedRow> {
  return kept(shuffledRows(settings, seed, epoch, bufferSize), settings);
}

/**
 * Yields training batches without end, from any batch of an epoch on. Rows go through a shuffle
 * buffer whose generator is numpy's, so that the order is that of the original's loader with the
 * same seed. Files are shuffled too, unless `maxRows` is given.
 *
 * A caption is left blank if the next draw of a second generator with the same seed is below
 * `blankCaptions`. That generator runs on through the epochs. To go on in the middle of an epoch,
 * the epoch is read again from its start and the batches before are skipped (with `carryOver` all
 * epochs are read again). Throws DataError for a malformed row or file, and if an epoch has no
 * whole batch. Source: dalle-mini `data.py`, Dataset; Hugging Face datasets 2.8
 * `iterable_dataset.py`.
 */
export async function* trainingBatches(
  settings: LoaderSettings,
  shuffle: ShuffleSettings,
  batchSize: number,
  from: StreamPosition = STREAM_START,
): AsyncGenerator<StreamedBatch> {
  const { seed, blankCaptions = 0, carryOver = false } = shuffle;
  // The rows that epochs leave over are known only by reading from the start.
  const start = carryOver ? STREAM_START : from;
  const blanks = new Pcg64(seed);
  blanks.advance(start.blankDraws);
  let blankDraws = start.blankDraws;
  let batch: LoadedRow[] = [];
  for (let { epoch } = start; ; epoch++) {
    const drawnBefore = blankDraws;
    let batches = 0;
    for await (const row of epochRows(settings, shuffle, epoch)) {
      if (blankCaptions > 0) blankDraws++;
      batch.push(blankCaptions > 0 && blanks.random() < blankCaptions ? { ...row, caption: '' } : row);
      if (batch.length < batchSize) continue;
      const rows = batch;
      batch = [];
      batches++;
      const passed = epoch < from.epoch || (epoch === from.epoch && batches <= from.batch);
      if (!passed) yield { rows, after: { epoch, batch: batches, blankDraws: drawnBefore } };
    }
    if (batches === 0 && (!carryOver || batch.length === 0))
      throw new DataError(
        `Training data: the ${batch.length} rows of an epoch don't fill one batch of ${batchSize}. Lower batchSize, or filter less.`,
      );
    if (!carryOver) batch = [];
  }
}

/** Yields batches of the rows in the order of the shards. An incomplete last batch is dropped. */
export async function* evaluationBatches(
  settings: LoaderSettings,
  batchSize: number,
): AsyncGenerator<readonly LoadedRow[]> {
  let batch: LoadedRow[] = [];
  for await (const row of fileRows(settings)) {
    batch.push(row);
    if (batch.length < batchSize) continue;
    yield batch;
    batch = [];
  }
}

/** A row before filtering, with the beginning of its messages. */
interface RawRow {
  readonly file: string;
  readonly where: string;
  readonly caption: unknown;
  readonly encoding: unknown;
  readonly others: Readonly<Record<string, unknown>>;
}

function shuffledRows(
  settings: LoaderSettings,
  seed: number,
  epoch: number,
  bufferSize: number,
): AsyncGenerator<RawRow> {
  const generator = epochGenerator(seed, epoch);
  const files = settings.maxRows === undefined ? shuffled(settings.files, generator) : settings.files;
  return shuffleBuffer(rawRows(settings, files), generator, bufferSize);
}

async function* rawRows(settings: LoaderSettings, files: readonly string[]): AsyncGenerator<RawRow> {
  const { sets = [files], maxRows } = settings;
  if (maxRows === undefined) yield* firstRows(settings, files, Number.POSITIVE_INFINITY);
  else for (const set of sets) yield* firstRows(settings, set, maxRows);
}

async function* firstRows(
  { columns, filter = NO_FILTER }: LoaderSettings,
  files: readonly string[],
  count: number,
): AsyncGenerator<RawRow> {
  let left = count;
  for (const file of files) {
    if (left <= 0) return;
    for await (const row of readShard(file, { ...columns, others: filterColumns(filter) })) {
      if (left-- <= 0) return;
      const { caption, encoding, others } = row;
      yield { file, where: `Shard ${file}, row ${row.row}`, caption, encoding, others };
    }
  }
}

async function* kept(rows: AsyncIterable<RawRow>, settings: LoaderSettings): AsyncGenerator<LoadedRow> {
  const { filter = NO_FILTER, normalize, shape, onPass } = settings;
  const counts = new RowCounts();
  let whole = false;
  try {
    for await (const { file, where, caption, encoding, others } of rows) {
      const kind = leftOutRow({ caption, encoding, others }, filter, where);
      counts.add(file, kind);
      if (kind !== undefined) continue;
      const text = checkedCaption(caption, where);
      yield { caption: normalize?.(text) ?? text, encoding: checkedEncoding(encoding, shape, where) };
    }
    whole = true;
  } finally {
    onPass?.(counts, whole);
  }
}
