import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { inspect } from 'node:util';
import { DataError } from '@easel/core';
import { readManifest, skippedLogName } from './encode-manifest.js';
import { defaultShardColumns, readShard, type ShardColumns } from './shards.js';

/** What the encodings of a set must be like: `imageLength` tokens a row, each in [0, imageVocabSize). */
export interface EncodingShape {
  readonly imageLength: number;
  readonly imageVocabSize: number;
}

/** Captions and image tokens in memory, in the order of the shards' names. */
export interface EncodedSet {
  readonly description: string;
  readonly captions: readonly string[];
  /** Tokens of row r at [r·imageLength, (r+1)·imageLength). */
  readonly encodings: Uint16Array | Int32Array;
  readonly imageLength: number;
  /** Number of each row's picture, from 0 in order of appearance; without a `source` column each row is a picture. */
  readonly pictures: Int32Array;
  /** SHA-256 over all rows in order: two sets with the same one train alike. */
  readonly digest: string;
}

/**
 * Reads an encoded set: a folder of .parquet or .jsonl shards (all of one kind), or one such file.
 *
 * An encoding is a list of integers, or such a list as text (`"[1, 2]"`, as the first public data sets had it).
 * Throws DataError, naming file and row, for an encoding of another length, a token out of range, a caption that isn't
 * text; for a path that doesn't exist, a folder without shards or with both kinds, a set without rows, and one whose
 * encoding isn't complete or lost a shard.
 */
export async function readEncodedSet(
  path: string,
  shape: EncodingShape,
  columns: ShardColumns = defaultShardColumns,
): Promise<EncodedSet> {
  const { imageLength, imageVocabSize } = shape;
  const Tokens = imageVocabSize <= 65536 ? Uint16Array : Int32Array;
  const captions: string[] = [];
  const pictures: number[] = [];
  const numbers = new Map<unknown, number>();
  let encodings = new Tokens(1024 * imageLength);
  for (const file of await shardFiles(path)) {
    for await (const { row, caption, encoding, source } of readShard(file, columns)) {
      const where = `Shard ${file}, row ${row}`;
      if (typeof caption !== 'string')
        throw new DataError(`${where}: expected a caption as text, got ${describe(caption)}.`);
      const tokens = tokenList(encoding, where);
      if (tokens.length !== imageLength)
        throw new DataError(
          `${where}: expected ${imageLength} image tokens (the model's image_length), got ${tokens.length}. Was the set encoded for another model?`,
        );
      const at = captions.length * imageLength;
      if (at === encodings.length) {
        const larger = new Tokens(encodings.length * 2);
        larger.set(encodings);
        encodings = larger;
      }
      for (let t = 0; t < imageLength; t++) {
        const token = Number(tokens[t]);
        if (!Number.isInteger(token) || token < 0 || token >= imageVocabSize)
          throw new DataError(
            `${where}: image token ${t} is ${describe(tokens[t])}, expected an integer from 0 to ${imageVocabSize - 1} (the model's image_vocab_size). Was the set encoded with another VQGAN?`,
          );
        encodings[at + t] = token;
      }
      const picture = source ?? `${file}:${row}`;
      const number = numbers.get(picture) ?? numbers.size;
      numbers.set(picture, number);
      pictures.push(number);
      captions.push(caption);
    }
  }
  if (captions.length === 0) throw new DataError(`Encoded set ${path}: no rows in it.`);
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
    pictures: Int32Array.from(pictures),
    digest: hash.digest('hex'),
  };
}

/** The shard files of a set, sorted by name. */
async function shardFiles(path: string): Promise<string[]> {
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
  const jsonl = names.filter((name) => extname(name) === '.jsonl' && name !== skippedLogName);
  if (parquet.length > 0 && jsonl.length > 0)
    throw new DataError(`Encoded set ${path}: it holds parquet and jsonl shards. Keep one kind.`);
  const shards = parquet.length > 0 ? parquet : jsonl;
  const manifest = await readManifest(path);
  if (manifest !== undefined) {
    if (!manifest.complete)
      throw new DataError(
        `Encoded set ${path}: its encoding was interrupted after ${manifest.shards.length} shards. Run the same easel encode again; it goes on from there.`,
      );
    const lost = manifest.shards.map((shard) => shard.file).filter((name) => !shards.includes(name));
    if (lost.length > 0)
      throw new DataError(
        `Encoded set ${path}: shards named in its manifest are gone: ${lost.slice(0, 5).join(', ')}.`,
      );
  }
  if (shards.length === 0)
    throw new DataError(
      `Encoded set ${path}: no .parquet or .jsonl shards in it. Make some with easel encode.`,
    );
  return shards.map((name) => join(path, name));
}

function tokenList(encoding: unknown, where: string): ArrayLike<unknown> {
  let list = encoding;
  if (typeof list === 'string') {
    try {
      list = JSON.parse(list);
    } catch {
      throw new DataError(`${where}: expected a list of image tokens, got ${describe(encoding)}.`);
    }
  }
  if (Array.isArray(list)) return list;
  if (ArrayBuffer.isView(list) && !(list instanceof DataView)) return list as unknown as ArrayLike<unknown>;
  throw new DataError(`${where}: expected a list of image tokens, got ${describe(encoding)}.`);
}

function describe(value: unknown): string {
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY }).slice(0, 60);
}
