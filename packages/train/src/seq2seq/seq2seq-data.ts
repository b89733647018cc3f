import { type BpeTokenizer, type DalleBartConfig, drawableIds } from '@easel/bart';
import { ConfigError, DataError, foldIn, foldInNames, type Key, permutation, prngKey } from '@easel/core';
import type { SetSettings } from '../config/encoded-fields.js';
import type { Seq2SeqConfig } from '../config/seq2seq-config.js';
import type { EncodingShape } from '../encoded/checked-row.js';
import {
  digestOfSets,
  type EncodedSet,
  joinSets,
  readEncodedSet,
  shardFiles,
} from '../encoded/encoded-set.js';
import { type DataPosition, holdOut } from '../encoded/epoch-order.js';
import type { RowCount, RowCounts } from '../encoded/row-counts.js';
import type { RowFilter } from '../encoded/row-filter.js';
import type { ShardColumns } from '../encoded/shards.js';
import { type WeightedRows, weightedEpoch } from '../encoded/weighted-draws.js';
import { permutedEpoch } from '../original/permuted-epochs.js';
import {
  evaluationBatches,
  fileRows,
  type LoaderSettings,
  STREAM_START,
} from '../original/streamed-loader.js';
import { digestOfFiles } from '../sources/file-digest.js';
import { type BatchSettings, Seq2SeqBatches } from './batches.js';
import { createNormalizer, type NormalizeCaption } from './caption-normalizer.js';
import { JoinedStream, WeightedStream } from './row-streams.js';
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

/** A set of which rows were left out, and how many by kind. Of a set that wasn't read to its end,
 * the numbers are those of the rows that were read. */
export type PartlyReadSet = RowCount & { readonly path: string };

/** The rows that a run is trained on, and those that it is evaluated on, by name. */
export interface Seq2SeqData {
  readonly rows: TrainingRows;
  readonly splits: Readonly<Record<string, EvaluationRows>>;
  /** Returns up to `count` different captions of the training rows, the same ones each time. */
  captions(count: number): Promise<readonly string[]>;
  /** Yields the caption of each training row, as the model reads it; blank ones are left out. */
  readCaptions(): AsyncIterable<string>;
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
 * on, with its place in the data. `onPartlyRead` hears of each set of which not every row can be
 * used, or passes the filter. Of a set that is streamed it hears when its rows have been read once,
 * or when the rows are closed before that.
 *
 * Throws DataError for a set that can't be read, doesn't fit the model, or has nothing to evaluate;
 * ConfigError if its rows don't fill an update.
 */
export async function openSeq2SeqData(
  config: Seq2SeqConfig,
  captions: CaptionParts,
  key: Key,
  resumed: { readonly step: number; readonly position: DataPosition } | undefined,
  onPartlyRead: (set: PartlyReadSet) => void = () => {},
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
  const { lowerCase } = captions.tokenizer.wordOptions;
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
    readAs: (text) => (lowerCase ? text.toLowerCase() : text),
    key,
    from,
    onPartlyRead,
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
  /** What the tokenizer makes of a normalized text before it cuts it. */
  readonly readAs: (text: string) => string;
  readonly key: Key;
  readonly from: RowsStart;
  readonly onPartlyRead: (set: PartlyReadSet) => void;
}

async function openPermuted(opening: Opening): Promise<Seq2SeqData> {
  const { config, shape, columns, filter, settings, normalize, readAs, key, evaluatedRows } = opening;
  const { data, evaluation } = config;
  const read = async (sets: readonly SetSettings[], maxRows: number | null) => {
    const selection = { filter, ...(maxRows !== null && { maxRows }) };
    const found: EncodedSet[] = [];
    for (const { path } of sets) {
      const set = await readEncodedSet(path, shape, columns, selection);
      if (Object.keys(set.leftOut).length > 0)
        opening.onPartlyRead({ path, rows: set.rows, leftOut: set.leftOut });
      found.push(set);
    }
    return found as [EncodedSet, ...EncodedSet[]];
  };
  const batchesOf = (set: EncodedSet) =>
    new Seq2SeqBatches(set, {
      ...settings,
      // The empty caption is not normalized: it would become a space, which is a token.
      tokenize: (texts) =>
        settings.tokenize(texts.map((text) => (text === '' ? text : (normalize?.(text) ?? text)))),
    });
  const all = (batches: Seq2SeqBatches) => batches.set.captions.map((_, row) => row);
  const sample = (from: readonly number[], count: number, name: string): number[] => {
    const order = permutation(foldInNames(key, ['evaluation', name]), from.length);
    return Array.from(order.subarray(0, count), (i) => from[i] as number).sort((a, b) => a - b);
  };

  const training = await read(data.train, data.maxTrainRows);
  const batches = batchesOf(joinSets(training));
  const splits: Record<string, EvaluationRows> = {};
  for (const [name, sets] of evaluationSets(data)) {
    const others = batchesOf(joinSets(await read(sets, data.maxEvalRows)));
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
  const weights = weightsOf(data.train);
  const orderKey = seed === null ? foldInNames(key, ['order']) : prngKey(seed);
  const groups = weights && groupsOf(data.train, weights, training, rows);
  const order =
    groups !== undefined
      ? (epoch: number) => weightedEpoch(groups, foldIn(orderKey, epoch))
      : seed === null
        ? orderKey
        : (epoch: number) => permutedEpoch(seed, count, epoch);
  const digest = digestOfSets(
    training.map(({ digest }) => digest),
    weights,
  );
  return {
    rows: new PermutedRows(batches, rows, config, order, opening.from, digest),
    splits,
    captions: async (wanted) => spread(rows, batches.set.captions, wanted),
    async *readCaptions() {
      for (const row of rows) {
        const caption = batches.set.captions[row] as string;
        if (caption !== '') yield readAs(normalize?.(caption) ?? caption);
      }
    },
  };
}

/** Returns the weights of sets of which some have one; undefined if none has, or for one set. */
function weightsOf(sets: readonly SetSettings[]): number[] | undefined {
  if (sets.length === 1 || sets.every(({ weight }) => weight === undefined)) return undefined;
  return sets.map(({ weight = 1 }) => weight);
}

/** Groups rows of joined sets by their set. Throws ConfigError for a set of which none is left. */
function groupsOf(
  sets: readonly SetSettings[],
  weights: readonly number[],
  found: readonly EncodedSet[],
  rows: readonly number[],
): WeightedRows[] {
  let [at, end] = [0, 0];
  return found.map(({ captions }, i) => {
    end += captions.length;
    const from = at;
    while (at < rows.length && (rows[at] as number) < end) at++;
    if (at === from)
      throw new ConfigError(
        `Training data: the set ${sets[i]?.path} has no row to train on, but a weight. Leave it out.`,
      );
    return { rows: rows.slice(from, at), weight: weights[i] as number };
  });
}

async function openStreamed(opening: Opening): Promise<Seq2SeqData> {
  const { config, shape, columns, filter, settings, normalize, readAs, key, evaluatedRows } = opening;
  const { data, evaluation } = config;
  const told = new Set<string>();
  /** Tells once of each of some sets of which rows are left out. */
  const tell = (sets: readonly { path: string; files: readonly string[] }[], counts: RowCounts) => {
    for (const { path, files } of sets) {
      const count = counts.of(files);
      if (told.has(path) || Object.keys(count.leftOut).length === 0) continue;
      told.add(path);
      opening.onPartlyRead({ path, ...count });
    }
  };
  const loader = async (
    given: readonly SetSettings[],
    maxRows: number | null,
  ): Promise<LoaderSettings & { readonly sets: readonly (readonly string[])[] }> => {
    const sets: { path: string; files: readonly string[] }[] = [];
    for (const { path } of given) sets.push({ path, files: await shardFiles(path) });
    return {
      files: sets.flatMap(({ files }) => files),
      sets: sets.map(({ files }) => files),
      columns,
      shape,
      filter,
      ...(maxRows !== null && { maxRows }),
      ...(normalize && { normalize }),
      onPass: (counts) => tell(sets, counts),
    };
  };
  const { onPass, ...training } = await loader(data.train, data.maxTrainRows);
  if (data.train.length > 1)
    for (const [i, files] of training.sets.entries())
      await requireUsableRow(data.train[i]?.path as string, { ...training, files, sets: [files] });
  const splits: Record<string, EvaluationRows> = {};
  const evaluated = async (name: string, given: LoaderSettings, rows: number) => {
    const { onPass: _, ...unheard } = given;
    const split = (one: LoaderSettings) => streamedEvaluation(one, settings, evaluatedRows, rows);
    await requireRows(name, split(unheard), evaluatedRows);
    splits[name] = split(given);
  };
  for (const [name, sets] of evaluationSets(data))
    await evaluated(name, await loader(sets, data.maxEvalRows), evaluation.rows);
  if (evaluation.trainRows > 0) await evaluated('trained', training, evaluation.trainRows);
  const shuffle = {
    seed: data.seed ?? foldInNames(key, ['order'])[1],
    bufferSize: data.shuffleBuffer,
    blankCaptions: data.blankCaptions,
    carryOver: data.carryOver,
  };
  const weights = weightsOf(data.train);
  const digests: string[] = [];
  for (const files of training.sets) digests.push(await digestOfFiles(files));
  const digest = digestOfSets(digests, weights);
  const heard: LoaderSettings = { ...training, ...(onPass && { onPass }) };
  const sets = weights?.map((weight, i) => {
    const files = training.sets[i] as readonly string[];
    return { path: data.train[i]?.path as string, weight, loader: { ...heard, files, sets: [files] } };
  });
  const stream =
    sets === undefined ? new JoinedStream(digest, heard, shuffle) : new WeightedStream(digest, sets, shuffle);
  return {
    rows: new StreamedRows(stream, settings, config, opening.from.position),
    splits,
    captions: (wanted) => firstCaptions(training, wanted),
    async *readCaptions() {
      for await (const { caption } of fileRows(training)) if (caption !== '') yield readAs(caption);
    },
  };
}

/** Throws DataError unless a set has a row that fits the model and passes the filter. */
async function requireUsableRow(path: string, loader: LoaderSettings): Promise<void> {
  for await (const _ of fileRows(loader)) return;
  throw new DataError(`Encoded set ${path}: no rows in it can be used or pass the filter.`);
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
function evaluationSets({
  eval: main,
  evals,
}: Seq2SeqConfig['data']): [name: string, sets: readonly SetSettings[]][] {
  const last: [string, readonly SetSettings[]][] = main === null ? [] : [['eval', main]];
  return [...Object.entries(evals), ...last];
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
