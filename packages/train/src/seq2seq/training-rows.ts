import { ConfigError, type Key } from '@easel/core';
import type { Seq2SeqConfig } from '../config/seq2seq-config.js';
import { type DataPosition, EpochOrder } from '../encoded/epoch-order.js';
import {
  countRows,
  evaluationBatches,
  type LoadedRow,
  type LoaderSettings,
  type ShuffleSettings,
  STREAM_START,
  type StreamedBatch,
  type StreamPosition,
  trainingBatches,
} from '../original/streamed-loader.js';
import { BatchRows, type BatchSettings, type Seq2SeqBatches, tokenizeTexts } from './batches.js';

/** Where the rows of a run's updates come from. */
export interface TrainingRows {
  /** Digest of the data: a run is resumed only with the same. */
  readonly digest: string;
  /** Whether the rows come with their share of blank captions, so that none are to be blanked after. */
  readonly blanked: boolean;
  /** Text tokens of a row, padding included, of the longest batch that there can be. */
  readonly textLength: number;
  /** How many updates so many passes over the data are. */
  updatesIn(epochs: number): Promise<number>;
  /** Where update `step` begins. Asked only of the next update. */
  position(step: number): DataPosition;
  /** The rows of update `step`, as micro-batches. Asked for one update after the other. */
  update(step: number): Promise<readonly BatchRows[]>;
  close(): Promise<void>;
}

/** Updates of the whole run. Throws ConfigError if its epochs don't make one. */
export async function updatesOf(
  {
    steps,
    epochs,
    batchSize,
    accumulate,
  }: Pick<Seq2SeqConfig, 'steps' | 'epochs' | 'batchSize' | 'accumulate'>,
  rows: TrainingRows,
): Promise<number> {
  const updates = steps ?? (await rows.updatesIn(epochs as number));
  if (updates === 0)
    throw new ConfigError(
      `Training: the training set's rows don't fill one update of ${batchSize * accumulate} (batchSize · accumulate). Lower batchSize, or filter less.`,
    );
  return updates;
}

/** Rows that are evaluated, batch by batch, as often as wanted. */
export interface EvaluationRows {
  batches(): Iterable<BatchRows> | AsyncIterable<BatchRows>;
}

/** How many rows an update takes: `accumulate` micro-batches of `batchSize`. */
export interface UpdateSize {
  readonly batchSize: number;
  readonly accumulate: number;
}

/** Where rows go on: the number of an update, and its place in the data. */
export interface RowsStart {
  readonly step: number;
  readonly position: StreamPosition;
}

export const ROWS_START: RowsStart = { step: 0, position: STREAM_START };

/** Rows of a set in memory: each epoch is a permutation of them. */
export class PermutedRows implements TrainingRows {
  readonly digest: string;
  readonly blanked = false;
  readonly textLength: number;
  private readonly batches: Seq2SeqBatches;
  private readonly rows: readonly number[];
  private readonly size: UpdateSize;
  private readonly order: EpochOrder;
  /** Updates that were done twice, so that the data is as much behind the count of updates. */
  private readonly repeated: number;

  /** `rows`: which of the set's. `from`: where the data goes on at an update of that number. Throws ConfigError if the rows don't fill an update. */
  constructor(
    batches: Seq2SeqBatches,
    rows: readonly number[],
    size: UpdateSize,
    permutation: Key | ((epoch: number) => Int32Array),
    from: RowsStart = ROWS_START,
  ) {
    this.digest = batches.set.digest;
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

/** A set on disk and how its rows are drawn. */
export interface StreamSource {
  readonly digest: string;
  readonly loader: LoaderSettings;
  readonly shuffle: ShuffleSettings;
}

/**
 * Rows as they come off the disk through a shuffle buffer: memory holds that and one row group, however large the set. The next update's rows are
 * read while this one's are computed on.
 */
export class StreamedRows implements TrainingRows {
  readonly digest: string;
  readonly blanked = true;
  readonly textLength: number;
  private readonly settings: BatchSettings;
  private readonly size: UpdateSize;
  private readonly source: StreamSource;
  private readonly stream: AsyncGenerator<StreamedBatch>;
  private at: StreamPosition;
  private next: Promise<IteratorResult<StreamedBatch>> | undefined;

  constructor(
    source: StreamSource,
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
    this.stream = trainingBatches(source.loader, source.shuffle, size.batchSize * size.accumulate, from);
  }

  /** Reads the whole set to count its rows. */
  async updatesIn(epochs: number): Promise<number> {
    const { loader, shuffle } = this.source;
    const rows = await countRows(loader);
    const size = this.size.batchSize * this.size.accumulate;
    return shuffle.carryOver ? Math.floor((epochs * rows) / size) : epochs * Math.floor(rows / size);
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

/** The first rows of a set on disk, in its order, read anew each time; an incomplete last batch is left out. */
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

/** Some rows of a set in memory. */
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
