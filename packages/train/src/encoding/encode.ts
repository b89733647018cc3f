import { join } from 'node:path';
import { ConfigError, DataError, fromBytes } from '@easel/core';
import { eventLoopTurn } from '@easel/core/internals';
import { type FileLock, writeFileAtomic } from '@easel/core/internals/node';
import { allGatherJson, type Communicator, oneProcess } from '@easel/mpi';
import { codeUsage, downsamplingFactor, type Vqgan, vqganConfigToJson } from '@easel/vqgan';
import * as tf from '@tensorflow/tfjs';
import { defaultPictureShape, type PictureShape } from '../decoded/decode-picture.js';
import { decodeBatches } from '../decoded/picture-batches.js';
import { picturesPath, type SetChanges, SKIPPED_LOG_NAME, shardName } from '../encoded/manifest.js';
import { type EncodedRow, type ShardFormat, writeShard } from '../encoded/shards.js';
import { countsOf, describeCounts, type LeftOutKind } from '../sources/left-out.js';
import {
  type CaptionedPicture,
  type FailureKind,
  PictureError,
  type PictureSource,
  type SkippedPicture,
} from '../sources/picture-source.js';
import { codebookPrint } from './codebook-print.js';
import { type EncodeFolder, type EncodingOrigin, encodeCounts, writing } from './encode-folder.js';
import { type EncodingPlace, openPlace, updatesOf } from './encoding-place.js';
import { modelDigest } from './model-digest.js';
import { captionsDigest, contentDigest, type PicturePrint, printLines } from './picture-prints.js';

/** Says how well captions fit their pictures. */
export interface CaptionScorer {
  /** Digest of the scorer's weights. A set goes on only with the same digest. */
  readonly digest: string;
  /**
   * Returns a number for each caption of each picture. A better fit has a higher number. `pixels`:
   * uint8 [captions.length, size, size, 3].
   */
  score(captions: readonly (readonly string[])[], pixels: Uint8Array, size: number): Promise<number[][]>;
}

/** Options of `encodePictures`. Only `vqgan` and `out` are required. */
export interface EncodeOptions {
  readonly vqgan: Vqgan;
  /**
   * Folder of the encoded set. It is made if it doesn't exist. Several processes may work in one
   * folder.
   */
  readonly out: string;
  /** Format of the shards (default 'parquet'). */
  readonly format?: ShardFormat;
  /** Number of pictures in one pass of the VQGAN (default 16). */
  readonly batchSize?: number;
  /**
   * Number of the source's pictures in a shard (default 2048). Shards are the units of resuming and
   * of sharing work.
   */
  readonly picturesPerShard?: number;
  /**
   * Side of the squares in pixels (default: the VQGAN's resolution), and how pictures are cut, laid
   * on a colour and chosen.
   */
  readonly shape?: Partial<PictureShape>;
  /** The part of one of several machines: every `of`-th shard, from shard `index` on. */
  readonly part?: { readonly index: number; readonly of: number };
  /**
   * The processes that encode together (default: this one alone), in place of `part`: each calls
   * this with the same options on a disk that all share. Rank r makes shard r, r + R, …; rank 0
   * completes the set when all are done, and has the summary of all. That of another rank leaves out what it
   * has not seen.
   */
  readonly communicator?: Communicator | undefined;
  /** Gives each row a `clip_score`. */
  readonly scorer?: CaptionScorer | undefined;
  /**
   * How many seconds another machine may be silent before its shard is taken over (default 300).
   * This must be longer than a batch takes.
   */
  readonly leaseSeconds?: number;
  /**
   * Stops the encoding after the present batch. Finished shards stay, and a later call goes on from
   * them.
   */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: EncodeProgress) => void) | undefined;
  /**
   * Hears how many of the source's pictures have been compared with those of a set that was encoded
   * before.
   */
  readonly onCompared?: ((pictures: number) => void) | undefined;
}

/** Progress of an encoding, at its start and after each batch. */
export interface EncodeProgress {
  /**
   * Number of pictures that are done, of `total`. Skipped pictures and those of other calls are
   * included.
   */
  readonly pictures: number;
  readonly total: number;
  readonly skipped: number;
  readonly rows: number;
  /** Pictures a second over this call. */
  readonly picturesPerSecond: number;
  /**
   * Number of shards that other processes are making while this call waits for them, because it has
   * none of its own left.
   */
  readonly waitingFor: number;
}

/** The result of an encoding. */
export interface EncodeSummary {
  /** Whether all shards are there. Those of other parts and processes are included. */
  readonly complete: boolean;
  /**
   * Whether all shards of this part are there. It is false if the signal stopped the call. The same
   * call then goes on.
   */
  readonly partComplete: boolean;
  /** Numbers of pictures encoded and rows written into the folder. All calls are included. */
  readonly pictures: number;
  readonly rows: number;
  /** Number of pictures that were passed over. `skippedLog` names them. */
  readonly skipped: number;
  /** Number of skipped pictures by reason. */
  readonly failures: Readonly<Partial<Record<FailureKind, number>>>;
  /**
   * Number of captions of the skipped pictures. A source's captions are the rows and these. A
   * source's pictures are those encoded and those skipped.
   */
  readonly captionsLost: number;
  /**
   * Counts of the source's entries that are neither a picture nor a caption of one, such as rows
   * without caption.
   */
  readonly leftOut: Readonly<Partial<Record<LeftOutKind, number>>>;
  readonly shards: readonly string[];
  /** Number of shards that were there before this call. */
  readonly resumedShards: number;
  /** If the set followed a change of its source: what has changed since it was encoded before. */
  readonly changes?: SetChanges | undefined;
  /** Number of pictures of this call whose tokens were there already. */
  readonly reusedPictures: number;
  /** Number of codes that occur at least once, of the `codes` in the codebook. */
  readonly codesUsed: number;
  readonly codes: number;
  /** The effective number of codes in the set: exp of the entropy of the code frequencies. */
  readonly perplexity: number;
  /** Seconds of this call. */
  readonly seconds: number;
  /** Number of pictures that this call went through, and how many of them a second. */
  readonly ownPictures: number;
  readonly picturesPerSecond: number;
  /**
   * Share of this call's time in which the models computed. The time of waiting for other processes
   * is left out.
   */
  readonly computeShare: number;
  readonly skippedLog: string;
}

/** Number of times that a call begins anew because another process has just updated the set. */
const ATTEMPTS = 5;

/** Milliseconds between two looks at what others have finished, if nothing else is left to do. */
const POLL_MS = 1000;

/**
 * Turns captioned pictures into shards of (caption, image tokens). Each picture goes through the
 * VQGAN once, and each of its captions becomes a row.
 *
 * Shards and the manifest are written atomically. After an interrupted call, the next call on its
 * folder goes on with the missing shards. Several calls may share the work, in processes of one
 * machine or of several that share the folder. Each takes a free shard by a lease file, and takes
 * over the shards of a process that is gone or silent. A call ends when all shards of its part are
 * there. Pictures that can't be used are counted by kind, named in `skipped.jsonl` beside the
 * shards, and passed over.
 *
 * Throws DataError if no picture can be used, if the folder holds the encoding of something else,
 * or if a file that holds many pictures has gone. Throws ConfigError for a size that the VQGAN
 * can't take, and EaselError if the folder can't be written to.
 */
export async function encodePictures(source: PictureSource, options: EncodeOptions): Promise<EncodeSummary> {
  const {
    vqgan,
    out,
    format = 'parquet',
    batchSize = 16,
    picturesPerShard = 2048,
    leaseSeconds = 300,
  } = options;
  const { scorer, onCompared, communicator = oneProcess } = options;
  const { part = { index: communicator.rank, of: communicator.size } } = options;
  const { config } = vqgan;
  const shape: PictureShape = { size: config.resolution, ...defaultPictureShape, ...options.shape };
  const cell = downsamplingFactor(config);
  if (!(Number.isInteger(shape.size) && shape.size >= cell && shape.size % cell === 0))
    throw new ConfigError(
      `Encoding: expected a picture size that is a multiple of ${cell} (one image token covers ${cell}×${cell} pixels), got ${shape.size}.`,
    );
  for (const [name, value] of Object.entries({ batchSize, picturesPerShard, 'part.of': part.of }))
    if (!(Number.isInteger(value) && value >= 1))
      throw new ConfigError(`Encoding: expected ${name} to be a whole number from 1, got ${value}.`);
  if (!(Number.isInteger(part.index) && part.index >= 0 && part.index < part.of))
    throw new ConfigError(
      `Encoding: expected the number of the part to be from 0 to ${part.of - 1}, got ${part.index}.`,
    );
  if (![...vqgan.namedWeights().keys()].some((name) => name.startsWith('encoder.')))
    throw new ConfigError(
      'Encoding: the VQGAN has a decoder only: it was saved to draw. Give the full VQGAN, which has an encoder too.',
    );
  const origin: EncodingOrigin = {
    format,
    source: source.digest,
    vqgan: await modelDigest(vqganConfigToJson(config), vqgan.namedWeights()),
    shape,
    picturesPerShard,
    clip: scorer?.digest ?? null,
  };
  const about = {
    origin,
    sourcePictures: source.length,
    codes: config.nEmbed,
    codebookPrint: await codebookPrint(vqgan.namedWeights()),
  };
  for (let attempt = 1; ; attempt++) {
    const before = await updatesOf(out);
    try {
      const place = await openPlace(source, { path: out, about, leaseSeconds, onCompared });
      return await new Encoding(source, place, {
        ...options,
        batchSize,
        leaseSeconds,
        part,
        communicator,
      }).run();
    } catch (error) {
      // Another process has updated the set meanwhile, and what was worked on is gone.
      if (attempt >= ATTEMPTS || (await updatesOf(out)) === before) throw error;
    }
  }
}

type EncodingOptions = EncodeOptions &
  Required<Pick<EncodeOptions, 'batchSize' | 'leaseSeconds' | 'part'>> & {
    readonly communicator: Communicator;
  };

/** The work of one call on a folder. */
class Encoding {
  private readonly source: PictureSource;
  private readonly folder: EncodeFolder;
  private readonly options: EncodingOptions;
  private readonly mine: readonly number[];
  private readonly place: EncodingPlace;
  private readonly started = performance.now();
  /** Number of pictures that this call went through, and of those whose tokens were there already. */
  private ownPictures = 0;
  private reusedPictures = 0;
  /** Milliseconds that were spent in the models, and on waiting for others. */
  private computing = 0;
  private waited = 0;

  constructor(source: PictureSource, place: EncodingPlace, options: EncodingOptions) {
    const { folder } = place;
    this.source = source;
    this.place = place;
    this.folder = folder;
    this.options = options;
    const { index, of } = options.part;
    this.mine = Array.from({ length: folder.shardCount }, (_, i) => i).filter((i) => i % of === index);
  }

  async run(): Promise<EncodeSummary> {
    const { folder } = this;
    const resumedShards = (await folder.refresh()).size;
    this.tell({ taken: 0, rows: 0, skipped: 0 }, 0);
    const ownComplete = await this.makeShards();
    // The parts of all ranks are there when each has told of its own.
    const { communicator } = this.options;
    const told = { complete: ownComplete, pictures: this.ownPictures, reused: this.reusedPictures };
    const parts = await allGatherJson(communicator, told);
    const partComplete = parts.every(({ complete }) => complete);
    const ownPictures = parts.reduce((sum, { pictures }) => sum + pictures, 0);
    const reusedPictures = parts.reduce((sum, { reused }) => sum + reused, 0);
    const seconds = (performance.now() - this.started) / 1000;
    const leads = communicator.rank === 0; // the others leave the folder alone from here on
    if (communicator.size > 1 && leads) await folder.refresh();
    const complete = leads ? await folder.conclude() : partComplete;
    const { shards, failures } = folder.summary();
    const sum = (field: 'pictures' | 'rows' | 'skipped') => shards.reduce((n, shard) => n + shard[field], 0);
    const log = join(folder.path, SKIPPED_LOG_NAME);
    if (leads && complete && sum('pictures') === 0)
      throw new DataError(
        `Encoding ${this.source.description}: none of its ${sum('skipped')} pictures can be used (${describeFailures(failures)}). All are named in ${log}, with the reasons.`,
      );
    const { used, perplexity } = codeUsage(leads ? await folder.codeCounts() : []);
    const promoted = leads && complete ? await this.place.promote() : undefined;
    const files = promoted ?? shards.map(({ file }) => file);
    return {
      complete,
      partComplete,
      pictures: sum('pictures'),
      rows: sum('rows'),
      skipped: sum('skipped'),
      failures,
      captionsLost: folder.captionsLost(),
      leftOut: countsOf(this.source.leftOut),
      shards: files,
      ...(this.place.changes && { changes: this.place.changes }),
      reusedPictures,
      resumedShards,
      codesUsed: used,
      codes: this.options.vqgan.config.nEmbed,
      perplexity,
      seconds,
      ownPictures,
      picturesPerSecond: ownPictures / seconds,
      computeShare: this.computing / Math.max(1e-9, seconds * 1000 - this.waited),
      skippedLog: promoted === undefined ? log : join(this.options.out, SKIPPED_LOG_NAME),
    };
  }

  /** Makes shards until none is left. Returns false if the signal came first. */
  private async makeShards(): Promise<boolean> {
    const { folder, mine } = this;
    const { signal } = this.options;
    for (;;) {
      const finished = await folder.refresh();
      const open = mine.filter((index) => !finished.has(index));
      if (open.length === 0) return true;
      let made = 0;
      for (const index of open) {
        if (signal?.aborted) return false;
        const lease = await folder.claim(index);
        if (lease === undefined) continue;
        try {
          if (!(await this.makeShard(index, lease))) return false;
          made++;
        } finally {
          await lease.release();
        }
      }
      if (made > 0) continue;
      if (signal?.aborted) return false;
      // Other processes hold all remaining shards. This call waits, in case one of them does not
      // finish.
      this.tell({ taken: 0, rows: 0, skipped: 0 }, open.length);
      const from = performance.now();
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      this.waited += performance.now() - from;
    }
  }

  /** Makes one shard. Returns false if the signal came first. */
  private async makeShard(index: number, lease: FileLock): Promise<boolean> {
    const { source, folder, options } = this;
    const { vqgan, batchSize, signal, scorer, leaseSeconds } = options;
    const { format, shape, picturesPerShard } = folder.origin;
    const range = { from: index * picturesPerShard, to: (index + 1) * picturesPerShard };
    const wanted = Math.min(range.to, source.length) - range.from;
    const skipped: SkippedPicture[] = [];
    const made = new ShardRows(vqgan.config.nEmbed);
    let [taken, renewed] = [0, performance.now()];
    const batches = decodeBatches(this.toEncode(range, made), {
      batchSize,
      shape,
      onSkip: (skip) => skipped.push(skip),
    });
    for await (const batch of batches) {
      const from = performance.now();
      const encodings = batch.pictures.length > 0 ? await encodeBatch(vqgan, batch.pixels, shape.size) : [];
      const captions = batch.pictures.map((picture) => picture.captions);
      const scores = await scorer?.score(captions, batch.pixels, shape.size);
      this.computing += performance.now() - from;
      for (const [i, picture] of batch.pictures.entries()) {
        const encoding = encodings[i] as Int32Array;
        const rows = picture.captions.map((caption, c) => ({
          caption,
          encoding,
          source: picture.file,
          ...(scores && { clipScore: scores[i]?.[c] as number }),
        }));
        made.add(picture.at, rows, encoding);
      }
      taken += batch.taken;
      this.ownPictures += batch.taken;
      this.tell({ taken: taken + made.reused, rows: made.rows, skipped: skipped.length }, 0);
      await eventLoopTurn();
      if (signal?.aborted && taken + made.reused < wanted) return false;
      if (performance.now() - renewed < (leaseSeconds * 1000) / 8) continue;
      if (!(await lease.renew())) return true; // another took this one over while we were silent
      renewed = performance.now();
    }
    if (!(await lease.renew())) return true;
    this.reusedPictures += made.reused;
    const file = shardName(index, format);
    const path = join(folder.path, file);
    const rows = made.inOrder();
    await writing(path, () => writeFileAtomic(picturesPath(folder.path, file), printLines(made.prints)));
    await writing(path, () => writeShard(path, rows, { scores: scorer !== undefined }));
    await folder.finish({
      index,
      file,
      pictures: made.pictures,
      rows: rows.length,
      skipped: skipped.length,
      failed: skipped,
      codeCounts: encodeCounts(made.counts),
    });
    return true;
  }

  /**
   * Yields the pictures of a shard that must be encoded, each with its number in the shard. The
   * others' rows, which are there already, and the prints of all go to `made`.
   */
  private async *toEncode(
    range: { readonly from: number; readonly to: number },
    made: ShardRows,
  ): AsyncGenerator<CaptionedPicture & { readonly at: number }> {
    const { earlier } = this.place;
    const scored = this.options.scorer !== undefined;
    let at = -1;
    for await (const picture of withCaptions(this.source.read(range))) {
      at++;
      const known = await earlier?.rowsOf(picture, scored);
      if (known !== undefined) {
        made.reuse(at, known.rows, known.print);
        continue;
      }
      const number = at;
      const captions = captionsDigest(picture.captions);
      const stamp = (await picture.stamp?.()) ?? null; // before the content is read
      made.prints[at] = { file: picture.file, content: null, stamp, captions };
      const bytes = async () => {
        const content = await picture.bytes();
        made.prints[number] = { file: picture.file, content: contentDigest(content), stamp, captions };
        return content;
      };
      yield { ...picture, bytes, at };
    }
  }

  /** Reports the progress. `current` holds the counts of the shard in work. */
  private tell(current: { taken: number; rows: number; skipped: number }, waitingFor: number): void {
    const { onProgress } = this.options;
    if (onProgress === undefined) return;
    const { shards } = this.folder.summary();
    const sum = (field: 'pictures' | 'rows' | 'skipped') => shards.reduce((n, shard) => n + shard[field], 0);
    onProgress({
      pictures: sum('pictures') + sum('skipped') + current.taken,
      total: this.source.length,
      skipped: sum('skipped') + current.skipped,
      rows: sum('rows') + current.rows,
      picturesPerSecond: this.ownPictures / ((performance.now() - this.started) / 1000),
      waitingFor,
    });
  }
}

/** The rows of a shard while it is made. */
class ShardRows {
  /** How often each code occurs. */
  readonly counts: Uint32Array;
  /** The pictures' prints, in their order. */
  readonly prints: PicturePrint[] = [];
  /** Number of pictures with rows, of those whose rows were there already, and of rows. */
  pictures = 0;
  reused = 0;
  rows = 0;
  private readonly byPicture = new Map<number, readonly EncodedRow[]>();

  constructor(codes: number) {
    this.counts = new Uint32Array(codes);
  }

  /** Adds the rows of picture number `at`. */
  add(at: number, rows: readonly EncodedRow[], encoding: ArrayLike<number>): void {
    this.byPicture.set(at, rows);
    for (let t = 0; t < encoding.length; t++)
      this.counts[encoding[t] as number] = (this.counts[encoding[t] as number] as number) + 1;
    this.pictures++;
    this.rows += rows.length;
  }

  /** Adds rows that were there already. */
  reuse(at: number, rows: readonly EncodedRow[], print: PicturePrint): void {
    this.prints[at] = print;
    this.add(at, rows, rows[0]?.encoding ?? []);
    this.reused++;
  }

  /** Returns all rows in the order of the pictures. */
  inOrder(): EncodedRow[] {
    const order = [...this.byPicture.keys()].sort((a, b) => a - b);
    return order.flatMap((at) => this.byPicture.get(at) as readonly EncodedRow[]);
  }
}

/** Returns counts as text, the most frequent first: `undecodable 3, no caption 2`. */
export function describeFailures(counts: EncodeSummary['failures'] | EncodeSummary['leftOut']): string {
  return describeCounts(counts);
}

/** Yields the pictures. A picture without a caption becomes one with a problem. */
async function* withCaptions(pictures: AsyncIterable<CaptionedPicture>): AsyncGenerator<CaptionedPicture> {
  for await (const picture of pictures) {
    if (picture.captions.length > 0 || picture.problem !== undefined) yield picture;
    else
      yield {
        ...picture,
        problem: new PictureError('no caption', `Picture ${picture.path}: it has no caption.`),
      };
  }
}

/** uint8 [B, size, size, 3] → the image tokens of each picture. */
async function encodeBatch(vqgan: Vqgan, pixels: Uint8Array, size: number): Promise<Int32Array[]> {
  const batch = pixels.length / (size * size * 3);
  const codes = tf.tidy(() => vqgan.encode(pixelsToTensor(pixels, size)));
  const values = (await codes.data()) as Int32Array;
  const length = codes.shape[1] as number;
  codes.dispose();
  return Array.from({ length: batch }, (_, i) => values.slice(i * length, (i + 1) * length));
}

/**
 * uint8 [B, size, size, 3] in 0…255 → float32 [B, size, size, 3] in [0, 1]; the caller disposes it.
 */
export function pixelsToTensor(pixels: Uint8Array, size: number): tf.Tensor4D {
  return tf.tensor4d(fromBytes(pixels), [pixels.length / (size * size * 3), size, size, 3]);
}
