import { type BpeTokenizer, type DalleBartConfig, drawableIds } from '@easel/bart';
import { DataError, foldInNames, type Key, permutation } from '@easel/core';
import type { Seq2SeqConfig } from '../config/seq2seq-config.js';
import type { EncodingShape } from '../encoded/checked-row.js';
import { type EncodedSet, readEncodedSet, shardFiles } from '../encoded/encoded-set.js';
import { type DataPosition, holdOut } from '../encoded/epoch-order.js';
import type { RowFilter } from '../encoded/row-filter.js';
import type { ShardColumns } from '../encoded/shards.js';
import { permutedEpoch } from '../original/permuted-epochs.js';
import { evaluationBatches, type LoaderSettings, STREAM_START } from '../original/streamed-loader.js';
import { digestOfFiles } from '../sources/file-digest.js';
import { type BatchSettings, Seq2SeqBatches } from './batches.js';
import { createNormalizer, type NormalizeCaption } from './caption-normalizer.js';
import {
  type EvaluationRows,
  evaluationOf,
  PermutedRows,
  ROWS_START,
  type RowsStart,
  StreamedRows,
  streamedEvaluation,
  type TrainingRows,
} from './training-rows.js';

/** A set of which rows were left out, and how many by kind. */
export type PartlyReadSet = Pick<EncodedSet, 'rows' | 'leftOut'> & { readonly path: string };

/** The rows that a run is trained on, and those that it is evaluated on, by name. */
export interface Seq2SeqData {
  /** Sets in memory of which not every row could be used, or passed the filter. */
  readonly partlyRead: readonly PartlyReadSet[];
  readonly rows: TrainingRows;
  readonly splits: Readonly<Record<string, EvaluationRows>>;
  /** Returns up to `count` different captions of the training rows, the same ones each time. */
  captions(count: number): Promise<readonly string[]>;
}

/** The parts that turn captions into a model's input. */
export interface CaptionParts {
  readonly modelConfig: DalleBartConfig;
  readonly tokenizer: BpeTokenizer;
  /** File of word frequencies for the normalizer; null: its small built-in list. */
  readonly wordList: string | null;
}

/**
 * Opens the encoded sets of a run as its config says. `resumed` is the update at which a run goes
 * on, with its place in the data.
 *
 * Throws DataError for a set that can't be read, doesn't fit the model, or has nothing to evaluate;
 * ConfigError if its rows don't fill an update.
 */
export async function openSeq2SeqData(
  config: Seq2SeqConfig,
  captions: CaptionParts,
  key: Key,
  resumed: { readonly step: number; readonly position: DataPosition } | undefined,
): Promise<Seq2SeqData> {
  const { maxTextLength, decoderStartTokenId, normalizeText } = captions.modelConfig;
  const normalize = normalizeText
    ? await createNormalizer(captions.wordList, foldInNames(key, ['normalizer']))
    : undefined;
  const settings: BatchSettings = {
    maxTextLength,
    startToken: decoderStartTokenId,
    trimText: config.data.trimText,
    tokenize: (texts) => captions.tokenizer.encodeBatch(texts, { maxLength: maxTextLength }),
  };
  const from = resumed === undefined ? ROWS_START : rowsStart(resumed, config.data.repeatEpoch);
  const { data } = config;
  const opening: Opening = {
    config,
    shape: {
      imageLength: captions.modelConfig.imageLength,
      imageVocabSize: drawableIds(captions.modelConfig),
    },
    columns: { caption: data.captionColumn, encoding: data.encodingColumn },
    filter: filterOf(data),
    evaluatedRows: config.evaluation.batchSize ?? config.batchSize,
    settings,
    normalize,
    key,
    from,
  };
  return data.order === 'streamed' ? openStreamed(opening) : openPermuted(opening);
}

/** Options of opening the sets of a run. */
interface Opening {
  readonly config: Seq2SeqConfig;
  readonly shape: EncodingShape;
  readonly columns: ShardColumns;
  readonly filter: RowFilter;
  /** Rows that are evaluated at a time. */
  readonly evaluatedRows: number;
  readonly settings: BatchSettings;
  readonly normalize: NormalizeCaption | undefined;
  readonly key: Key;
  readonly from: RowsStart;
}

async function openPermuted(opening: Opening): Promise<Seq2SeqData> {
  const { config, shape, columns, filter, settings, normalize, key, evaluatedRows } = opening;
  const { data, evaluation } = config;
  const partlyRead: PartlyReadSet[] = [];
  const open = async (path: string, maxRows: number | null) => {
    const selection = { filter, ...(maxRows !== null && { maxRows }) };
    const set = await readEncodedSet(path, shape, columns, selection);
    if (Object.keys(set.leftOut).length > 0) partlyRead.push({ path, rows: set.rows, leftOut: set.leftOut });
    return new Seq2SeqBatches(set, {
      ...settings,
      // The empty caption is not normalized: it would become a space, which is a token.
      tokenize: (texts) =>
        settings.tokenize(texts.map((text) => (text === '' ? text : (normalize?.(text) ?? text)))),
    });
  };
  const all = (batches: Seq2SeqBatches) => batches.set.captions.map((_, row) => row);
  const sample = (from: readonly number[], count: number, name: string): number[] => {
    const order = permutation(foldInNames(key, ['evaluation', name]), from.length);
    return Array.from(order.subarray(0, count), (i) => from[i] as number).sort((a, b) => a - b);
  };

  const batches = await open(data.train, data.maxTrainRows);
  const splits: Record<string, EvaluationRows> = {};
  for (const [name, path] of evaluationSets(data)) {
    const others = await open(path, data.maxEvalRows);
    splits[name] = evaluationOf(others, sample(all(others), evaluation.rows, name), evaluatedRows);
  }
  let rows: readonly number[] = all(batches);
  if (data.evalFraction > 0) {
    const { pictures } = batches.set;
    const count = 1 + pictures.reduce((most, picture) => Math.max(most, picture), 0);
    const held = new Set(holdOut(foldInNames(key, ['held out']), count, data.evalFraction).held);
    const others = rows.filter((row) => held.has(pictures[row] as number));
    rows = rows.filter((row) => !held.has(pictures[row] as number));
    splits.eval = evaluationOf(batches, sample(others, evaluation.rows, 'eval'), evaluatedRows);
  }
  if (evaluation.trainRows > 0)
    splits.trained = evaluationOf(batches, sample(rows, evaluation.trainRows, 'train'), evaluatedRows);
  const { seed } = data;
  const count = rows.length;
  const order =
    seed === null ? foldInNames(key, ['order']) : (epoch: number) => permutedEpoch(seed, count, epoch);
  return {
    partlyRead,
    rows: new PermutedRows(batches, rows, config, order, opening.from),
    splits,
    captions: async (wanted) => spread(rows, batches.set.captions, wanted),
  };
}

async function openStreamed(opening: Opening): Promise<Seq2SeqData> {
  const { config, shape, columns, filter, settings, normalize, key, evaluatedRows } = opening;
  const { data, evaluation } = config;
  const loader = async (path: string, maxRows: number | null): Promise<LoaderSettings> => ({
    files: await shardFiles(path),
    columns,
    shape,
    filter,
    ...(maxRows !== null && { maxRows }),
    ...(normalize && { normalize }),
  });
  const training = await loader(data.train, data.maxTrainRows);
  const splits: Record<string, EvaluationRows> = {};
  for (const [name, path] of evaluationSets(data))
    splits[name] = streamedEvaluation(
      await loader(path, data.maxEvalRows),
      settings,
      evaluatedRows,
      evaluation.rows,
    );
  if (evaluation.trainRows > 0)
    splits.trained = streamedEvaluation(training, settings, evaluatedRows, evaluation.trainRows);
  for (const [name, split] of Object.entries(splits)) await requireRows(name, split, evaluatedRows);
  const source = {
    digest: await digestOfFiles(training.files),
    loader: training,
    shuffle: {
      seed: data.seed ?? foldInNames(key, ['order'])[1],
      bufferSize: data.shuffleBuffer,
      blankCaptions: data.blankCaptions,
      carryOver: data.carryOver,
    },
  };
  return {
    partlyRead: [],
    rows: new StreamedRows(source, settings, config, opening.from.position),
    splits,
    captions: (wanted) => firstCaptions(training, wanted),
  };
}

/** Returns different captions of some rows, from places that are as far apart as possible. */
function spread(rows: readonly number[], captions: readonly string[], wanted: number): string[] {
  const found = new Set<string>();
  for (let start = 0; start < wanted; start++) {
    const from = Math.floor((start * rows.length) / wanted);
    const till = Math.floor(((start + 1) * rows.length) / wanted);
    for (let i = from; i < till && found.size <= start; i++) {
      const caption = captions[rows[i] as number] as string;
      if (caption !== '') found.add(caption);
    }
  }
  return [...found];
}

/** Returns the first different captions of a set on disk. */
async function firstCaptions({ normalize: _, ...loader }: LoaderSettings, wanted: number): Promise<string[]> {
  const found = new Set<string>();
  for await (const rows of evaluationBatches(loader, 1)) {
    for (const { caption } of rows) if (caption !== '') found.add(caption);
    if (found.size >= wanted) break;
  }
  return [...found];
}

/**
 * Returns the place at which the rows go on; or the start of that epoch, with the generator of
 * blank captions at its own start, as in the original.
 */
function rowsStart(
  { step, position }: { readonly step: number; readonly position: DataPosition },
  repeatEpoch: boolean,
): RowsStart {
  const { epoch, batch, blankDraws = 0 } = position;
  const at = repeatEpoch ? { ...STREAM_START, epoch } : { epoch, batch, blankDraws };
  return { step, position: at };
}

/** Lists the config's sets for evaluation in the original's order: `eval` comes last. */
function evaluationSets({ eval: main, evals }: Seq2SeqConfig['data']): [name: string, path: string][] {
  return [...Object.entries(evals), ...(main === null ? [] : [['eval', main] as [string, string]])];
}

/**
 * Throws DataError unless there is a batch to evaluate. Otherwise the mistake would show only after
 * hours.
 */
async function requireRows(name: string, split: EvaluationRows, batchSize: number): Promise<void> {
  for await (const _ of split.batches()) return;
  throw new DataError(
    `Evaluation set "${name}": its rows don't fill one batch of ${batchSize}. Lower evaluation.batchSize, raise evaluation's number of rows, filter less, or leave the set out.`,
  );
}

function filterOf(data: Seq2SeqConfig['data']): RowFilter {
  const { clipScoreColumn, minClipScore, maxClipScore, filterColumn, filterValue } = data;
  return { clipScoreColumn, minClipScore, maxClipScore, filterColumn, filterValue };
}
