import { createHash } from 'node:crypto';
import { access, appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, DataError, EaselError, fromBytes } from '@easel/core';
import { writeFileAtomic } from '@easel/core/node';
import { downsamplingFactor, type Vqgan, vqganConfigToJson } from '@easel/vqgan';
import * as tf from '@tensorflow/tfjs';
import { type FolderLock, lockFolder } from '../folder-lock.js';
import {
  decodeBatches,
  defaultPictureShape,
  type PictureShape,
  type SkippedPicture,
} from './decode-picture.js';
import {
  type EncodeManifest,
  type EncodingOrigin,
  readManifest,
  type ShardRecord,
  skippedLogName,
  writeManifest,
} from './encode-manifest.js';
import { type PictureSource, sourceDigest } from './picture-source.js';
import { type EncodedRow, type ShardFormat, writeShard } from './shards.js';

/** How `encodePictures` works; only `vqgan` and `out` are needed. */
export interface EncodeOptions {
  readonly vqgan: Vqgan;
  /** Folder of the encoded set; made if it doesn't exist. */
  readonly out: string;
  /** 'parquet' unless said. */
  readonly format?: ShardFormat;
  /** Pictures in one pass of the VQGAN (16). */
  readonly batchSize?: number;
  /** Pictures in a shard, the unit of resuming (2048). */
  readonly picturesPerShard?: number;
  /** Side of the squares in pixels (the VQGAN's resolution), fit ('cover') and background ('#ffffff'). */
  readonly shape?: Partial<PictureShape>;
  /** Stops after the batch in work; finished shards stay and a later call goes on from them. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: EncodeProgress) => void) | undefined;
}

/** Where an encoding stands, after each batch. */
export interface EncodeProgress {
  /** Pictures behind us, skipped ones and those of an earlier call included, of `total`. */
  readonly pictures: number;
  readonly total: number;
  readonly skipped: number;
  readonly rows: number;
  /** Over this call. */
  readonly picturesPerSecond: number;
}

/** What came of an encoding. */
export interface EncodeSummary {
  /** False if the signal stopped it; the same call again goes on. */
  readonly complete: boolean;
  /** Pictures encoded and rows written, earlier calls included. */
  readonly pictures: number;
  readonly rows: number;
  /** Pictures that couldn't be decoded; named in `skippedLog`. */
  readonly skipped: number;
  /** Pictures of the source without a caption, left out. */
  readonly uncaptioned: number;
  readonly shards: readonly string[];
  /** Shards that an earlier call had finished. */
  readonly resumedShards: number;
  /** Codes that occur at least once, of `codes` in the codebook. */
  readonly codesUsed: number;
  readonly codes: number;
  /** exp of the entropy of the code frequencies: how many codes carry the set. */
  readonly perplexity: number;
  /** Of this call. */
  readonly seconds: number;
  readonly picturesPerSecond: number;
  readonly skippedLog: string;
}

/**
 * Turns captioned pictures into shards of (caption, image tokens): each picture goes through the VQGAN once, each of its
 * captions becomes a row.
 *
 * Shards and the manifest are written atomically; a call on a folder that an interrupted call left goes on at the first
 * missing shard. Pictures that can't be decoded are counted, named in `skipped.jsonl` beside the shards, and passed over.
 * Throws DataError if no picture can be decoded or the folder holds the encoding of something else; ConfigError for a
 * size that the VQGAN can't take; EaselError if the folder can't be written to or another process encodes into it.
 */
export async function encodePictures(source: PictureSource, options: EncodeOptions): Promise<EncodeSummary> {
  const {
    vqgan,
    out,
    format = 'parquet',
    batchSize = 16,
    picturesPerShard = 2048,
    signal,
    onProgress,
  } = options;
  const { config } = vqgan;
  const shape: PictureShape = { size: config.resolution, ...defaultPictureShape, ...options.shape };
  const cell = downsamplingFactor(config);
  if (!(Number.isInteger(shape.size) && shape.size >= cell && shape.size % cell === 0))
    throw new ConfigError(
      `Encoding: expected a picture size that is a multiple of ${cell} (one image token covers ${cell}×${cell} pixels), got ${shape.size}.`,
    );
  for (const [name, value] of Object.entries({ batchSize, picturesPerShard }))
    if (!(Number.isInteger(value) && value >= 1))
      throw new ConfigError(`Encoding: expected ${name} to be a whole number from 1, got ${value}.`);
  const origin: EncodingOrigin = {
    format,
    source: sourceDigest(source),
    vqgan: await vqganDigest(vqgan),
    shape,
    picturesPerShard,
  };
  const lock = await lockOutput(out);
  try {
    return await encodeShards(source, origin, { vqgan, out, batchSize, signal, onProgress });
  } finally {
    await lock.release();
  }
}

async function encodeShards(
  source: PictureSource,
  origin: EncodingOrigin,
  options: Pick<EncodeOptions, 'vqgan' | 'out' | 'signal' | 'onProgress'> & { readonly batchSize: number },
): Promise<EncodeSummary> {
  const { vqgan, out, signal, onProgress } = options;
  const { format, shape, picturesPerShard } = origin;
  const total = source.pictures.length;
  const shardCount = Math.ceil(total / picturesPerShard);
  const earlier = await resumableShards(out, origin);
  const shards: ShardRecord[] = [...(earlier?.shards ?? [])];
  const resumedShards = shards.length;
  const codeCounts = [...(earlier?.codeCounts ?? new Array<number>(vqgan.config.nEmbed).fill(0))];
  const log = await openSkippedLog(out, resumedShards);

  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const sum = (field: 'pictures' | 'rows' | 'skipped') => shards.reduce((n, shard) => n + shard[field], 0);
  const resumedPictures = sum('pictures') + sum('skipped');
  let firstReason = '';
  let stopped = false;

  for (let index = resumedShards; index < shardCount && !stopped; index++) {
    const wanted = source.pictures.slice(index * picturesPerShard, (index + 1) * picturesPerShard);
    const skipped: SkippedPicture[] = [];
    const rows: EncodedRow[] = [];
    const shardCodes = new Map<number, number>();
    const before = { pictures: sum('pictures') + sum('skipped'), rows: sum('rows'), skipped: sum('skipped') };
    let seen = 0;
    let pictures = 0;
    for await (const batch of decodeBatches(wanted, options.batchSize, shape, (skip) => skipped.push(skip))) {
      const encodings = batch.pictures.length > 0 ? await encodeBatch(vqgan, batch.pixels, shape.size) : [];
      for (const [i, picture] of batch.pictures.entries()) {
        const encoding = encodings[i] as Int32Array;
        for (const code of encoding) shardCodes.set(code, (shardCodes.get(code) ?? 0) + 1);
        for (const caption of picture.captions) rows.push({ caption, encoding, source: picture.file });
      }
      pictures += batch.pictures.length;
      seen = Math.min(seen + options.batchSize, wanted.length);
      onProgress?.({
        pictures: before.pictures + seen,
        total,
        skipped: before.skipped + seen - pictures,
        rows: before.rows + rows.length,
        picturesPerSecond: (before.pictures + seen - resumedPictures) / seconds(),
      });
      await new Promise((resolve) => setImmediate(resolve));
      if (signal?.aborted && seen < wanted.length) {
        stopped = true;
        break;
      }
    }
    if (stopped) break;
    const file = `shard-${String(index).padStart(5, '0')}.${format}`;
    await writeOutput(join(out, file), () => writeShard(join(out, file), rows));
    await log.append(index, skipped);
    firstReason = skipped[0]?.reason ?? firstReason;
    for (const [code, count] of shardCodes) codeCounts[code] = (codeCounts[code] ?? 0) + count;
    shards.push({ file, pictures, rows: rows.length, skipped: skipped.length });
    if (shards.length === shardCount && sum('pictures') === 0)
      throw new DataError(
        `Encoding ${source.description}: none of its ${total} pictures can be decoded. ${firstReason} All are named in ${log.path}.`,
      );
    const complete = shards.length === shardCount;
    await writeOutput(out, () => writeManifest(out, { version: 1, origin, complete, shards, codeCounts }));
    if (signal?.aborted && shards.length < shardCount) stopped = true;
  }

  const elapsed = seconds();
  const codeTotal = codeCounts.reduce((a, b) => a + b, 0);
  const entropy = codeCounts.reduce((h, n) => (n > 0 ? h - (n / codeTotal) * Math.log(n / codeTotal) : h), 0);
  return {
    complete: shards.length === shardCount,
    pictures: sum('pictures'),
    rows: sum('rows'),
    skipped: sum('skipped'),
    uncaptioned: source.uncaptioned.length,
    shards: shards.map((shard) => shard.file),
    resumedShards,
    codesUsed: codeCounts.filter((n) => n > 0).length,
    codes: codeCounts.length,
    perplexity: codeTotal > 0 ? Math.exp(entropy) : 0,
    seconds: elapsed,
    picturesPerSecond: (sum('pictures') + sum('skipped') - resumedPictures) / elapsed,
    skippedLog: log.path,
  };
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

/** uint8 [B, size, size, 3] in 0…255 → float32 [B, size, size, 3] in [0, 1]; the caller disposes it. */
export function pixelsToTensor(pixels: Uint8Array, size: number): tf.Tensor4D {
  return tf.tensor4d(fromBytes(pixels), [pixels.length / (size * size * 3), size, size, 3]);
}

async function vqganDigest(vqgan: Vqgan): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(vqganConfigToJson(vqgan.config)));
  for (const [name, weight] of vqgan.namedWeights()) hash.update(name).update(await weight.data());
  return hash.digest('hex');
}

async function lockOutput(out: string): Promise<FolderLock> {
  await writeOutput(out, () => mkdir(out, { recursive: true }));
  return lockFolder(out);
}

/** Names the output in the error of a failed write: no space, no permission, a file where a folder should be. */
async function writeOutput<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof EaselError) throw error;
    throw new EaselError(
      `Encoding: ${path} can't be written (${(error as Error).message}). What was finished before is kept; the same command goes on from there.`,
    );
  }
}

/** The state that an earlier call left, or undefined in a fresh folder; DataError if it encoded something else. */
async function resumableShards(out: string, origin: EncodingOrigin): Promise<EncodeManifest | undefined> {
  const manifest = await readManifest(out);
  if (manifest === undefined) return undefined;
  const names: [keyof EncodingOrigin, string][] = [
    ['source', 'pictures or captions'],
    ['vqgan', 'VQGAN'],
    ['shape', 'picture size, fit or background'],
    ['format', 'format'],
    ['picturesPerShard', 'number of pictures a shard'],
  ];
  const changed = names.filter(
    ([key]) => JSON.stringify(manifest.origin[key]) !== JSON.stringify(origin[key]),
  );
  if (changed.length > 0)
    throw new DataError(
      `Encoded set ${out}: it was begun with another ${changed.map(([, name]) => name).join(', another ')}. Choose a new folder, or delete this one.`,
    );
  // Shards count up to the first one that is gone; the codes of the rest would be counted twice, so all start again.
  for (const shard of manifest.shards) {
    const present = await access(join(out, shard.file)).then(
      () => true,
      () => false,
    );
    if (!present) return undefined;
  }
  return manifest;
}

/** The log of skipped pictures, one JSON object a line, without lines of shards that weren't finished. */
async function openSkippedLog(out: string, finishedShards: number) {
  const path = join(out, skippedLogName);
  const kept = (await readFile(path, 'utf8').catch(() => ''))
    .split('\n')
    .filter((line) => /^\{"shard":(\d+),.*\}$/.test(line) && Number(line.match(/\d+/)?.[0]) < finishedShards);
  await writeOutput(path, () => writeFileAtomic(path, kept.map((line) => `${line}\n`).join('')));
  return {
    path,
    async append(shard: number, skipped: readonly SkippedPicture[]) {
      const lines = skipped.map(({ file, reason }) => `${JSON.stringify({ shard, file, reason })}\n`);
      if (lines.length > 0) await writeOutput(path, () => appendFile(path, lines.join('')));
    },
  };
}
