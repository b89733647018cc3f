import { ConfigError, foldInNames, type Key, permutation } from '@easel/core';
import type { VqganTrainingConfig } from '../config/vqgan-config.js';
import type { PictureShape } from '../decoded/decode-picture.js';
import { cachePictures, type PictureCache } from '../decoded/picture-cache.js';
import { holdOut } from '../encoded/epoch-order.js';
import type { WeightedRows } from '../encoded/weighted-draws.js';
import type { RunFolder } from '../run/run-folder.js';
import { leftOutLines } from '../sources/left-out.js';
import { openPictures, type SourceSettings } from '../sources/open-pictures.js';
import type { PictureSource, SkippedPicture } from '../sources/picture-source.js';
import { shuffledPictures } from '../sources/shuffled-pictures.js';
import { CachedPictures, StreamedPictures, type TrainingPictures } from './training-pictures.js';
import type { PictureSplit } from './vqgan-task.js';

/**
 * The pictures that a VQGAN is trained on, and those that it is evaluated on, with the name of
 * their split.
 */
export interface VqganPictures {
  readonly training: TrainingPictures;
  readonly evaluated: PictureSplit & { readonly name: string };
  /** Returns the pictures that have been left out so far, each once. */
  readonly skipped: () => readonly SkippedPicture[];
}

/** Counts the pictures that were left out, by kind. */
export function countFailures(
  skipped: readonly SkippedPicture[],
): Partial<Record<SkippedPicture['kind'], number>> {
  const failures: Partial<Record<SkippedPicture['kind'], number>> = {};
  for (const { kind, count = 1 } of skipped) failures[kind] = (failures[kind] ?? 0) + count;
  return failures;
}

/** Options of opening the pictures, besides the config. */
interface Reading {
  readonly config: VqganTrainingConfig;
  readonly shape: PictureShape;
  readonly key: Key;
  readonly log: SkippedLog;
  readonly signal: AbortSignal | undefined;
}

/**
 * Opens training and evaluated pictures of `size` × `size`, in memory or streamed. Pictures that
 * can't be used are named in RUN/skipped.jsonl. Throws DataError for sources that can't be read, or
 * too many pictures for the memory that the config allows; ConfigError if they don't fill a batch.
 */
export async function readVqganPictures(
  config: VqganTrainingConfig,
  size: number,
  key: Key,
  run: Pick<RunFolder, 'saveSkipped'>,
  signal: AbortSignal | undefined,
): Promise<VqganPictures> {
  const { fit, crop, background, minSide, maxAspect, order } = config.data;
  const shape: PictureShape = { size, fit, crop, cropSeed: config.seed, background, minSide, maxAspect };
  const reading: Reading = { config, shape, key, log: new SkippedLog(run), signal };
  return order === 'streamed' ? openStreamed(reading) : openCached(reading);
}

const isWeighted = (sources: readonly SourceSettings[]) => sources.some(({ weight }) => weight !== undefined);

async function openCached({ config, shape, key, log, signal }: Reading): Promise<VqganPictures> {
  const { train: sources, eval: others, evalFraction, memoryLimit } = config.data;
  const decode = async (from: readonly SourceSettings[]): Promise<PictureCache> => {
    const source = await openPictures(from, { captions: false });
    try {
      const cache = await cachePictures(source, shape, { limitMiB: memoryLimit, signal });
      for (const skipped of [...leftOutLines(source.leftOut), ...cache.skipped]) log.add(skipped);
      await log.write();
      return cache;
    } finally {
      await source.close();
    }
  };
  const cache = await decode(sources);
  const { train, held } = holdOut(foldInNames(key, ['held out']), cache.files.length, evalFraction);
  const sample = (from: PictureCache, rows: readonly number[]): PictureSplit => {
    const chosen = permutation(foldInNames(key, ['evaluation']), rows.length).subarray(
      0,
      config.evaluation.pictures,
    );
    return { cache: from, rows: Array.from(chosen, (i) => rows[i] as number) };
  };
  const groups = isWeighted(sources) ? groupsOf(cache, train, sources) : null;
  const skipped = () => log.pictures;
  const training = new CachedPictures(cache, train, config.batchSize, foldInNames(key, ['order']), groups);
  if (others !== null) {
    const other = await decode(others);
    const all = Array.from(other.files, (_, i) => i);
    return { training, skipped, evaluated: { name: 'eval', ...sample(other, all) } };
  }
  if (held.length > 0) return { training, skipped, evaluated: { name: 'eval', ...sample(cache, held) } };
  return { training, skipped, evaluated: { name: 'trained', ...sample(cache, train) } };
}

/** The rows of each source of a mixture, in which pictures are named by their source's number. */
function groupsOf(
  { files }: PictureCache,
  rows: readonly number[],
  sources: readonly SourceSettings[],
): WeightedRows[] {
  const groups = sources.map(({ weight = 1 }) => ({ rows: [] as number[], weight }));
  for (const row of rows)
    groups[sources.length === 1 ? 0 : Number.parseInt(files[row] as string, 10)]?.rows.push(row);
  const empty = groups.findIndex((group) => group.rows.length === 0);
  if (empty >= 0)
    throw new ConfigError(
      `Training data: ${sources[empty]?.path} has no picture to train on, but a weight. Leave it out.`,
    );
  return groups;
}

async function openStreamed({ config, shape, key, log, signal }: Reading): Promise<VqganPictures> {
  const { train, eval: others, shuffleBuffer } = config.data;
  // Without weights all sources are treated as one, and each picture comes as often as any other.
  const opened = isWeighted(train)
    ? await Promise.all(train.map((source) => openPictures(source, { captions: false })))
    : [await openPictures(train, { captions: false })];
  const weighted = opened.map((source, i) => ({ source, weight: train[i]?.weight ?? 1 }));
  for (const source of opened) for (const skipped of leftOutLines(source.leftOut)) log.add(skipped);
  const training = new StreamedPictures(weighted, {
    shape,
    batchSize: config.batchSize,
    bufferSize: shuffleBuffer,
    key: foldInNames(key, ['order']),
    onSkip: (skipped) => log.add(skipped),
  });
  const evaluation = others === null ? opened[0] : await openPictures(others, { captions: false });
  const cache = await someDecoded(evaluation as PictureSource, { config, shape, key, log, signal });
  if (others !== null) await evaluation?.close();
  const rows = Array.from(cache.files, (_, i) => i);
  return {
    training,
    skipped: () => log.pictures,
    evaluated: { name: others === null ? 'trained' : 'eval', cache, rows },
  };
}

/** Decodes as many random pictures of a source as are evaluated. */
async function someDecoded(
  source: PictureSource,
  { config, shape, key, log, signal }: Reading,
): Promise<PictureCache> {
  const wanted = Math.min(config.evaluation.pictures, source.length);
  const random = shuffledPictures(source, foldInNames(key, ['evaluation']), config.data.shuffleBuffer);
  const few: PictureSource = {
    ...source,
    length: wanted,
    async *read() {
      let left = wanted;
      for await (const picture of random) {
        yield picture;
        if (--left === 0) return;
      }
    },
  };
  const cache = await cachePictures(few, shape, { limitMiB: config.data.memoryLimit, signal });
  for (const skipped of cache.skipped) log.add(skipped);
  await log.write();
  return cache;
}

/**
 * The log of left-out pictures. Each picture is logged once, and the file is not rewritten for each
 * of them.
 */
class SkippedLog {
  private readonly run: Pick<RunFolder, 'saveSkipped'>;
  private readonly found = new Map<string, SkippedPicture>();
  private writing: Promise<void> = Promise.resolve();
  private due = 1;

  constructor(run: Pick<RunFolder, 'saveSkipped'>) {
    this.run = run;
  }

  get pictures(): readonly SkippedPicture[] {
    return [...this.found.values()];
  }

  add(skipped: SkippedPicture): void {
    this.found.set(JSON.stringify([skipped.file, skipped.kind, skipped.reason]), skipped);
    if (this.found.size < this.due) return;
    this.due = Math.ceil(this.found.size * 1.2);
    void this.write();
  }

  async write(): Promise<void> {
    this.writing = this.writing.then(() => this.run.saveSkipped([...this.found.values()]));
    this.writing.catch(() => {}); // a log that can't be written stops nothing; the next checkpoint will say it
    return this.writing;
  }
}
