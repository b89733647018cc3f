import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { DataError } from '@easel/core';
import { describeCounts, type LeftOutKind } from '../sources/left-out.js';
import { PICTURE_EXTENSIONS } from '../sources/picture-source.js';
import { checkedCaption, checkedEncoding, type EncodingShape } from './checked-row.js';
import {
  type EncodeManifest,
  readManifest,
  readRecord,
  recordedShards,
  SHARD_NAME,
  SKIPPED_LOG_NAME,
  shardName,
  UPDATE_FOLDER_NAME,
} from './manifest.js';
import { filterColumns, leftOutRow, NO_FILTER, type RowFilter } from './row-filter.js';
import { defaultShardColumns, readShard, type ShardColumns } from './shards.js';

/** Captions and image tokens in memory, in the order of the shards' names. */
export interface EncodedSet {
  readonly description: string;
  readonly captions: readonly string[];
  /** Tokens of row r at [r·imageLength, (r+1)·imageLength). */
  readonly encodings: Uint16Array | Int32Array;
  readonly imageLength: number;
  /**
   * Number of each row's picture, from 0 in order of appearance. Without a `source` column each row
   * has a picture of its own.
   */
  readonly pictures: Int32Array;
  /** Number of rows of the shards that were read: the captions and the left-out rows. */
  readonly rows: number;
  readonly leftOut: Readonly<Partial<Record<LeftOutKind, number>>>;
  /** SHA-256 over all rows in order. Two sets with the same digest train alike. */
  readonly digest: string;
}

/** Selection of a set's rows. */
export interface RowSelection {
  /** Default: all rows pass. */
  readonly filter?: RowFilter;
  /** Only the first rows, counted before filtering. */
  readonly maxRows?: number;
}

/**
 * Reads an encoded set: a folder of .parquet or .jsonl shards (all of one kind), or one such file.
 *
 * An encoding is a list of integers, or such a list as text (`"[1, 2]"`, as the first public data
 * sets had it). Rows whose caption or encoding is null are left out and counted. Throws DataError,
 * naming file and row, for an encoding of another length, a token out of range, and a caption that
 * isn't text. Throws DataError too for a path that doesn't exist, a folder without shards or with
 * both kinds, a set without rows, and a set whose encoding isn't complete or lost a shard.
 */
export async function readEncodedSet(
  path: string,
  shape: EncodingShape,
  columns: ShardColumns = defaultShardColumns,
  { filter = NO_FILTER, maxRows = Number.POSITIVE_INFINITY }: RowSelection = {},
): Promise<EncodedSet> {
  const { imageLength, imageVocabSize } = shape;
  const Tokens = imageVocabSize <= 65536 ? Uint16Array : Int32Array;
  const captions: string[] = [];
  const pictures: number[] = [];
  const numbers = new Map<unknown, number>();
  let encodings = new Tokens(1024 * imageLength);
  let rows = 0;
  const leftOut: Partial<Record<LeftOutKind, number>> = {};
  for (const file of await shardFiles(path)) {
    if (rows >= maxRows) break;
    const found = readShard(file, { ...columns, others: filterColumns(filter) });
    for await (const { row, caption, encoding, source, others } of found) {
      if (rows >= maxRows) break;
      rows++;
      const where = `Shard ${file}, row ${row}`;
      const kind = leftOutRow({ caption, encoding, others }, filter, where);
      if (kind !== undefined) {
        leftOut[kind] = (leftOut[kind] ?? 0) + 1;
        continue;
      }
      const tokens = checkedEncoding(encoding, shape, where);
      const at = captions.length * imageLength;
      if (at === encodings.length) {
        const larger = new Tokens(encodings.length * 2);
        larger.set(encodings);
        encodings = larger;
      }
      encodings.set(tokens, at);
      const picture = source ?? `${file}:${row}`;
      const number = numbers.get(picture) ?? numbers.size;
      numbers.set(picture, number);
      pictures.push(number);
      captions.push(checkedCaption(caption, where));
    }
  }
  if (captions.length === 0)
    throw new DataError(
      `Encoded set ${path}: no rows in it${rows === 0 ? '' : ` can be used or pass the filter (${describeCounts(leftOut)})`}.`,
    );
  encodings = encodings.slice(0, captions.length * imageLength);
  const hash = createHash('sha256');
  hash.update(JSON.stringify(captions));
  hash.update(Int32Array.from(encodings));
  hash.update(Int32Array.from(pictures));
  return {
    description: path,
    captions,
    encodings,
    imageLength,
    rows,
    leftOut,
    pictures: Int32Array.from(pictures),
    digest: hash.digest('hex'),
  };
}

/**
 * Joins sets into one: their rows one set after the other, with pictures numbered throughout. A set
 * alone is returned as it is.
 */
export function joinSets(sets: readonly [EncodedSet, ...EncodedSet[]]): EncodedSet {
  const [first, ...others] = sets;
  if (others.length === 0) return first;
  const count = sets.reduce((sum, { captions }) => sum + captions.length, 0);
  const { imageLength } = first;
  const Tokens = first.encodings.constructor as Uint16ArrayConstructor | Int32ArrayConstructor;
  const encodings = new Tokens(count * imageLength);
  const pictures = new Int32Array(count);
  const leftOut: Partial<Record<LeftOutKind, number>> = {};
  let [at, named] = [0, 0];
  for (const set of sets) {
    encodings.set(set.encodings, at * imageLength);
    let largest = -1;
    for (const [i, picture] of set.pictures.entries()) {
      pictures[at + i] = named + picture;
      largest = Math.max(largest, picture);
    }
    at += set.captions.length;
    named += largest + 1;
    for (const [kind, n] of Object.entries(set.leftOut) as [LeftOutKind, number][])
      leftOut[kind] = (leftOut[kind] ?? 0) + n;
  }
  return {
    description: sets.map(({ description }) => description).join(' + '),
    captions: sets.flatMap(({ captions }) => captions),
    encodings,
    imageLength,
    pictures,
    rows: sets.reduce((sum, { rows }) => sum + rows, 0),
    leftOut,
    digest: digestOfSets(sets.map(({ digest }) => digest)),
  };
}

/** Returns the digest of several sets, in their order. That of a set alone is its own. */
export function digestOfSets(digests: readonly string[], weights?: readonly number[]): string {
  if (digests.length === 1) return digests[0] as string;
  return createHash('sha256')
    .update(JSON.stringify([digests, weights ?? null]))
    .digest('hex');
}

/**
 * Returns the shards that a set's manifest or the records of single shards name. Throws DataError
 * if some shards are still to be made.
 */
async function shardsOf(
  path: string,
  { complete, shards, shardCount, origin }: EncodeManifest,
): Promise<string[]> {
  if (complete) return shards.map(({ file }) => file);
  const made = await recordedShards(path);
  if (made.size < shardCount)
    throw new DataError(
      `Encoded set ${path}: ${made.size} of its ${shardCount} shards are made; its encoding goes on or was interrupted. Run the same easel encode again; it goes on from there.`,
    );
  const names: string[] = [];
  for (const index of made)
    names.push((await readRecord(path, index))?.file ?? shardName(index, origin.format));
  return names.sort();
}

/** Says what a folder holds in place of shards, and what to do. */
function foundIn(names: readonly string[]): string {
  const endings = [...new Set(names.map((name) => extname(name).toLowerCase() || 'a folder'))].sort();
  const pictures = names.filter((name) => PICTURE_EXTENSIONS.has(extname(name).toLowerCase())).length;
  if (pictures > 0)
    return `but ${pictures} ${pictures === 1 ? 'picture' : 'pictures'}. Encode them first: easel encode FOLDER --vqgan VQGAN --out SET.`;
  return `it has ${names.length === 0 ? 'nothing' : `only ${endings.slice(0, 5).join(', ')}`}. Make some with easel encode.`;
}

/**
 * Lists the shard files of a set, sorted by name. Throws DataError for a path that doesn't exist, a
 * folder without shards or with both kinds, a set whose encoding isn't complete or that lost a
 * shard.
 */
export async function shardFiles(path: string): Promise<string[]> {
  const missing = (error: Error) =>
    new DataError(`Encoded set ${path}: can't be read (${error.message}). Make one with easel encode.`);
  const info = await stat(path).catch((error: Error) => {
    throw missing(error);
  });
  if (!info.isDirectory()) {
    if (['.parquet', '.jsonl'].includes(extname(path))) return [path];
    throw new DataError(
      `Encoded set ${path}: expected a folder of shards, or a file ending in .parquet or .jsonl.`,
    );
  }
  const names = (await readdir(path)).filter((name) => !name.startsWith('.')).sort();
  const parquet = names.filter((name) => extname(name) === '.parquet');
  const jsonl = names.filter((name) => extname(name) === '.jsonl' && name !== SKIPPED_LOG_NAME);
  if (parquet.length > 0 && jsonl.length > 0)
    throw new DataError(`Encoded set ${path}: it holds parquet and jsonl shards. Keep one kind.`);
  let shards = parquet.length > 0 ? parquet : jsonl;
  const manifest = await readManifest(path);
  if (manifest !== undefined) {
    const named = await shardsOf(path, manifest);
    const lost = named.filter((name) => !shards.includes(name));
    // While a newer set takes this one's place, shards of both are there.
    const isOther = (name: string) => existsSync(join(path, UPDATE_FOLDER_NAME)) && SHARD_NAME.test(name);
    const others = shards.filter((name) => !named.includes(name) && !isOther(name));
    shards = [...named, ...others];
    if (lost.length > 0)
      throw new DataError(
        `Encoded set ${path}: shards named in its manifest are gone: ${lost.slice(0, 5).join(', ')}. Run the same easel encode again; it makes what is missing.`,
      );
  }
  if (shards.length === 0)
    throw new DataError(`Encoded set ${path}: no .parquet or .jsonl shards in it, ${foundIn(names)}`);
  return shards.map((name) => join(path, name));
}
