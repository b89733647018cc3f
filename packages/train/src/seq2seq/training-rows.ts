import { ConfigError, type Key } from '@easel/core';
import { lengthOf, type RunLength } from '../config/run-length.js';
import type { Seq2SeqConfig } from '../config/seq2seq-config.js';
import { type DataPosition, EpochOrder } from '../encoded/epoch-order.js';
import {
  evaluationBatches,
  type LoadedRow,
  type LoaderSettings,
  STREAM_START,
  type StreamedBatch,
  type StreamPosition,
} from '../original/streamed-loader.js';
import { BatchRows, type BatchSettings, type Seq2SeqBatches, tokenizeTexts } from './batches.js';
import type { RowStream } from './row-streams.js';

/** The source of the rows of a run's updates. */
export interface TrainingRows {
  /** Digest of the data. A run is resumed only with the same digest. */
  readonly digest: string;
  /**
   * Whether the rows already have their share of blank captions, so that none must be blanked
   * later.
   */
  readonly blanked: boolean;
  /** Number of text tokens of a row, padding included, in the longest possible batch. */
  readonly textLength: number;
  /** Returns the number of updates in so many passes over the data. */
  updatesIn(epochs: number): Promise<number>;
  /** Returns the place in the data at which update `step` begins. It must be the next update. */
  position(step: number): DataPosition;
  /**
   * Returns the rows of update `step`, as micro-batches. Call it for one update after the other.
   */
  update(step: number): Promise<readonly BatchRows[]>;
  close(): Promise<void>;
}

/**
 * Returns the number of updates of the whole run. Its data says it if its settings don't. Throws
 * ConfigError if the rows don't fill one update.
 */
export async function seq2seqLength(
  {
    steps,
    epochs,
    batchSize,
    accumulate,
  }: Pick<Seq2SeqConfig, 'steps' | 'epochs' | 'batchSize' | 'accumulate'>,
  rows: TrainingRows,
): Promise<RunLength> {
  const length = await lengthOf('seq2seq', { steps, epochs }, (passes) => rows.updatesIn(passes));
  if (length.steps === 0)
    throw new ConfigError(
      `Training: the training set's rows don't fill one update of ${batchSize * accumulate} (batchSize · accumulate). Lower batchSize, or filter less.`,
    );
  return length;
}

/** Rows that are evaluated, batch by batch. They can be read any number of times. */
export interface EvaluationRows {
  batches(): Iterable<BatchRows> | AsyncIterable<BatchRows>;
}

/** Size of an update: `accumulate` micro-batches of `batchSize` rows. */
export interface UpdateSize {
  readonly batchSize: number;
  readonly accumulate: number;
}

/** The update at which rows go on: its number, and its place in the data. */
export interface RowsStart {
  readonly step: number;
  readonly position: StreamPosition;
}

export const ROWS_START: RowsStart = { step: 0, position: STREAM_START };

/** Rows of a set in memory. Each epoch is a permutation of them. */
export class PermutedRows implements TrainingRows {
  readonly digest: string;
  readonly blanked = false;
  readonly textLength: number;
  private readonly batches: Seq2SeqBatches;
  private readonly rows: readonly number[];
  private readonly size: UpdateSize;
  private readonly order: EpochOrder;
  /**
   * Number of updates that were done twice. The place in the data is behind the count of updates by
   * this number.
   */
  private readonly repeated: number;

  /**
   * `rows` holds the indices of the set's rows that are used. `from` is the place at which the data
   * goes on. Throws ConfigError if the rows don't fill an update.
   */
  constructor(
    batches: Seq2SeqBatches,
    rows: readonly number[],
    size: UpdateSize,
    permutation: Key | ((epoch: number) => Int32Array),
    from: RowsStart = ROWS_START,
    digest = batches.set.digest,
  ) {
    this.digest = digest;
    this.textLength = batches.textLength;
    this.batches = batches;
    this.rows = rows;
    this.size = size;
    this.order = new EpochOrder(permutation, rows.length, size.batchSize * size.accumulate);
    const { epoch, batch } = from.position;
    this.repeated = from.step - (epoch * this.order.batchesPerEpoch + batch);
  }

  async updatesIn(epochs: number): Promise<number> {
    return epochs * this.order.batchesPerEpoch;
  }

  position(step: number): DataPosition {
    return this.order.position(step - this.repeated);
  }

  async update(step: number): Promise<readonly BatchRows[]> {
    const rows = Array.from(this.order.batch(step - this.repeated), (i) => this.rows[i] as number);
    return pieces(rows, this.size.batchSize).map((piece) => this.batches.rows(piece));
  }

  async close(): Promise<void> {}
}

/**
 * Rows that are read from disk through a shuffle buffer. Memory holds the buffer and one row group,
 * however large the set is. The next update's rows are read while the present update is computed.
 */
export class StreamedRows implements TrainingRows {
  readonly digest: string;
  readonly blanked = true;
  readonly textLength: number;
  private readonly settings: BatchSettings;
  private readonly size: UpdateSize;
  private readonly source: RowStream;
  private readonly stream: AsyncGenerator<StreamedBatch>;
  private at: StreamPosition;
  private next: Promise<IteratorResult<StreamedBatch>> | undefined;

  constructor(
    source: RowStream,
    settings: BatchSettings,
    size: UpdateSize,
    from: StreamPosition = STREAM_START,
  ) {
    this.source = source;
    this.digest = source.digest;
    this.textLength = settings.maxTextLength;
    this.settings = settings;
    this.size = size;
    this.at = from;
    this.stream = source.batches(size.batchSize * size.accumulate, from);
  }

  /** Returns the number of updates in so many epochs. It reads the whole set to count its rows. */
  updatesIn(epochs: number): Promise<number> {
    return this.source.batchesIn(epochs, this.size.batchSize * this.size.accumulate);
  }

  position(): StreamPosition {
    return this.at;
  }

  async update(): Promise<readonly BatchRows[]> {
    const { value } = await (this.next ?? this.stream.next());
    const { rows, after } = value as StreamedBatch; // the stream has no end
    this.at = after;
    this.next = this.stream.next();
    this.next.catch(() => {}); // what went wrong is for the update that needs these rows
    return tokenizedBatches(rows, this.settings, this.size.batchSize);
  }

  async close(): Promise<void> {
    await this.next?.catch(() => {});
    await this.stream.return(undefined);
  }
}

/**
 * Returns the first rows of a set on disk, in the set's order. They are read anew each time. An
 * incomplete last batch is left out.
 */
export function streamedEvaluation(
  loader: LoaderSettings,
  settings: BatchSettings,
  batchSize: number,
  maxRows: number,
): EvaluationRows {
  return {
    async *batches() {
      let left = Math.floor(maxRows / batchSize);
      if (left === 0) return;
      for await (const rows of evaluationBatches(loader, batchSize)) {
        yield* tokenizedBatches(rows, settings, batchSize);
        if (--left === 0) return;
      }
    },
  };
}

/** Returns some rows of a set in memory for evaluation. */
export function evaluationOf(
  batches: Seq2SeqBatches,
  rows: readonly number[],
  batchSize: number,
): EvaluationRows {
  return { batches: () => pieces(rows, batchSize).map((piece) => batches.rows(piece)) };
}

function tokenizedBatches(
  rows: readonly LoadedRow[],
  settings: BatchSettings,
  batchSize: number,
): BatchRows[] {
  const texts = tokenizeTexts([...rows.map(({ caption }) => caption), ''], settings);
  const [blank] = texts.slice(-1) as [(typeof texts)[number]];
  const tokenized = rows.map(({ encoding }, i) => ({ text: texts[i] as typeof blank, encoding }));
  return pieces(tokenized, batchSize).map((piece) => new BatchRows(piece, blank, settings));
}

function pieces<T>(list: readonly T[], size: number): T[][] {
  const cut: T[][] = [];
  for (let start = 0; start < list.length; start += size) cut.push(list.slice(start, start + size));
  return cut;
}
