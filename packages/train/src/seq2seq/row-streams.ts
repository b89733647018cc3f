import { DataError, foldInNames, Pcg64, prngKey } from '@easel/core';
import { WeightedDraws } from '../encoded/weighted-draws.js';
import {
  countRows,
  epochRows,
  type LoadedRow,
  type LoaderSettings,
  type ShuffleSettings,
  type StreamedBatch,
  type StreamPosition,
  trainingBatches,
} from '../original/streamed-loader.js';

/** Rows on disk that are drawn without end. */
export interface RowStream {
  /** Digest of the data. */
  readonly digest: string;
  /** Yields batches of `size` rows without end, from a place in the data on. */
  batches(size: number, from: StreamPosition): AsyncGenerator<StreamedBatch>;
  /** Returns the number of batches in so many epochs. It may read all rows to count them. */
  batchesIn(epochs: number, size: number): Promise<number>;
}

/** Rows of one set, or of several as if they were one, in the order of the original's loader. */
export class JoinedStream implements RowStream {
  readonly digest: string;
  private readonly loader: LoaderSettings;
  private readonly shuffle: ShuffleSettings;
  private counted: Promise<number> | undefined;

  constructor(digest: string, loader: LoaderSettings, shuffle: ShuffleSettings) {
    this.digest = digest;
    this.loader = loader;
    this.shuffle = shuffle;
  }

  batches(size: number, from: StreamPosition): AsyncGenerator<StreamedBatch> {
    return trainingBatches(this.loader, this.shuffle, size, from);
  }

  async batchesIn(epochs: number, size: number): Promise<number> {
    this.counted ??= countRows(this.loader).then(({ kept }) => kept);
    const rows = await this.counted;
    return this.shuffle.carryOver ? Math.floor((epochs * rows) / size) : epochs * Math.floor(rows / size);
  }
}

/** A set of a `WeightedStream`. */
export interface WeightedSet {
  /** Its path, for messages. */
  readonly path: string;
  readonly loader: LoaderSettings;
  readonly weight: number;
}

/**
 * Rows of several sets. Before each row a draw by the weights says which set gives it. Each set goes
 * through a shuffle buffer of its own, epoch after epoch of its own. An epoch of the whole has as
 * many draws as there are rows, without those that don't fill a batch. All rows are read once
 * before, to be counted.
 */
export class WeightedStream implements RowStream {
  readonly digest: string;
  private readonly sets: readonly WeightedSet[];
  private readonly shuffle: ShuffleSettings;
  private counted: Promise<number[]> | undefined;

  constructor(digest: string, sets: readonly WeightedSet[], shuffle: ShuffleSettings) {
    this.digest = digest;
    this.sets = sets;
    this.shuffle = shuffle;
  }

  async batchesIn(epochs: number, size: number): Promise<number> {
    const rows = (await this.count()).reduce((sum, count) => sum + count, 0);
    return epochs * Math.floor(rows / size);
  }

  async *batches(size: number, from: StreamPosition): AsyncGenerator<StreamedBatch> {
    const { seed, blankCaptions = 0 } = this.shuffle;
    const key = prngKey(seed);
    const perEpoch = await this.batchesIn(1, size);
    if (perEpoch === 0)
      throw new DataError(
        `Training data: the rows of an epoch don't fill one batch of ${size}. Lower batchSize, or filter less.`,
      );
    let batch = from.epoch * perEpoch + from.batch;
    const draws = new WeightedDraws(
      this.sets.map(({ weight }) => weight),
      foldInNames(key, ['draws']),
    );
    const streams = await this.streams(draws.before(batch * size));
    const blanks = new Pcg64(seed);
    blanks.advance(batch * size);
    try {
      for (; ; batch++) {
        const rows: LoadedRow[] = [];
        for (let n = batch * size; rows.length < size; n++) {
          const { value } = await (streams[draws.at(n)] as AsyncGenerator<LoadedRow>).next();
          const row = value as LoadedRow; // the streams have no end
          rows.push(blanks.random() < blankCaptions ? { ...row, caption: '' } : row);
        }
        const epoch = Math.floor(batch / perEpoch);
        const after = { epoch, batch: (batch % perEpoch) + 1, blankDraws: epoch * perEpoch * size };
        yield { rows, after };
      }
    } finally {
      for (const stream of streams) await stream.return(undefined);
    }
  }

  /** Opens each set's rows, from its row number `before` on over all its epochs. */
  private async streams(before: readonly number[]): Promise<AsyncGenerator<LoadedRow>[]> {
    const counts = await this.count();
    return this.sets.map(({ loader }, i) => {
      const seed = foldInNames(prngKey(this.shuffle.seed), ['set', i])[1];
      return rowsFrom(loader, { ...this.shuffle, seed }, counts[i] as number, before[i] as number);
    });
  }

  /** Counts the rows of each set. Throws DataError for a set without rows. */
  private count(): Promise<number[]> {
    this.counted ??= (async () => {
      const counts: number[] = [];
      for (const { path, loader } of this.sets) {
        const { kept } = await countRows(loader);
        if (kept === 0) throw new DataError(`Encoded set ${path}: no rows in it can be used.`);
        counts.push(kept);
      }
      return counts;
    })();
    return this.counted;
  }
}

/** Yields a set's rows epoch after epoch, each in an order of its own. The first `passed` are left out. */
async function* rowsFrom(
  loader: LoaderSettings,
  shuffle: ShuffleSettings,
  rows: number,
  passed: number,
): AsyncGenerator<LoadedRow> {
  let left = passed % rows;
  for (let epoch = Math.floor(passed / rows); ; epoch++)
    for await (const row of epochRows(loader, shuffle, epoch)) {
      if (left === 0) yield row;
      else left--;
    }
}
