import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '@easel/core';
import { writeFileAtomic } from '@easel/core/internals/node';
import type { LeftOutKind } from '../sources/left-out.js';
import type { FailureKind, SkippedPicture } from '../sources/picture-source.js';
import type { ShardFormat } from './shards.js';

/** Log of the pictures that encoding left out. It lies beside the shards. */
export const SKIPPED_LOG_NAME = 'skipped.jsonl';

/** Folder of the records of single shards, until all shards are there. */
export const WORK_FOLDER_NAME = 'work';

const MANIFEST_NAME = 'manifest.json';

/** The facts about a set's making that a reader needs. `encoding/` has the rest. */
export interface SetOrigin {
  readonly format: ShardFormat;
  /** Digest of the VQGAN's config and weights. */
  readonly vqgan: string;
}

/** A finished shard. */
export interface ShardRecord {
  readonly file: string;
  /** Pictures that were encoded. */
  readonly pictures: number;
  readonly rows: number;
  /** Pictures that were passed over. */
  readonly skipped: number;
}

/** The record of a finished shard while the set is made. */
export interface FinishedShard extends ShardRecord {
  readonly index: number;
  readonly failed: readonly SkippedPicture[];
  /**
   * How often each code occurs, as base64 of little-endian uint32. Null: the shard must be read to
   * count them.
   */
  readonly codeCounts: string | null;
}

/** State of an encoded set: how it was made and, when all shards are there, what it contains. */
export interface EncodeManifest<Origin extends SetOrigin = SetOrigin> {
  readonly version: 2;
  readonly origin: Origin;
  /** Number of pictures of the source. Those that are passed over are included. */
  readonly sourcePictures: number;
  readonly shardCount: number;
  /** Number of codes of the VQGAN's codebook. */
  readonly codes: number;
  /** Numbers that identify its VQGAN's codebook (see `codebookPrint`). Older sets lack them. */
  readonly codebookPrint?: readonly number[] | undefined;
  readonly complete: boolean;
  /** Empty until the set is complete. */
  readonly shards: readonly ShardRecord[];
  /** How often each code of the codebook was used. Empty until the set is complete. */
  readonly codeCounts: readonly number[];
  readonly failures: Readonly<Partial<Record<FailureKind, number>>>;
  /**
   * Counts of the source's entries that are neither a picture nor a picture's caption. Older sets
   * lack them.
   */
  readonly leftOut?: Readonly<Partial<Record<LeftOutKind, number>>>;
  /** How often the set followed a change of its source, and what each time was changed. */
  readonly updates?: readonly SetChanges[];
}

/** Numbers of a source's pictures beside those of a set that was encoded from it before. */
export interface SetChanges {
  /** Pictures that the set lacks. */
  readonly added: number;
  /** Pictures whose content is another one under the same name. */
  readonly changed: number;
  /** Pictures that are the same, with other captions. */
  readonly recaptioned: number;
  /** Pictures that the source has no more. */
  readonly removed: number;
  /** Pictures that are the same, with the same captions. */
  readonly same: number;
}

/**
 * Returns the manifest of a folder, or undefined if there is none. Throws DataError if it is
 * damaged.
 */
export async function readManifest(folder: string): Promise<EncodeManifest | undefined> {
  const path = join(folder, MANIFEST_NAME);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
  try {
    const manifest = JSON.parse(text) as EncodeManifest;
    if (
      manifest.version === 2 &&
      Array.isArray(manifest.shards) &&
      Array.isArray(manifest.codeCounts) &&
      Number.isSafeInteger(manifest.shardCount)
    )
      return manifest;
  } catch {}
  throw new DataError(
    `Encoded set manifest ${path}: damaged or of another version. Encode into a new folder.`,
  );
}

/** Replaces the manifest of a folder atomically. */
export async function writeManifest(folder: string, manifest: EncodeManifest): Promise<void> {
  await writeFileAtomic(manifestPath(folder), `${JSON.stringify(manifest)}\n`);
}

/** Returns the path of a folder's manifest. */
export function manifestPath(folder: string): string {
  return join(folder, MANIFEST_NAME);
}

/** Returns a shard's number as its files' names have it: at least five digits. */
export function shardNumber(index: number): string {
  return String(index).padStart(5, '0');
}

/** Name of a shard. After the set's update number `update` its shards have new names. */
export function shardName(index: number, format: ShardFormat, update = 0): string {
  return `shard-${shardNumber(index)}${update === 0 ? '' : `-${update}`}.${format}`;
}

/** Matches the names of shards that encoding makes. */
export const SHARD_NAME = /^shard-\d{5,}(-\d+)?\.(parquet|jsonl)$/;

/** Folder of a set that is made to take the place of the set around it. */
export const UPDATE_FOLDER_NAME = 'update';

/** Folder of the records of which pictures are in which shard. */
export const PICTURES_FOLDER_NAME = 'pictures';

/** Returns the path of a shard's record of its pictures. */
export function picturesPath(folder: string, shard: string): string {
  return join(folder, PICTURES_FOLDER_NAME, `${shard}.jsonl`);
}

/** Returns the path of a finished shard's record. It exists while the set is made. */
export function recordPath(folder: string, index: number): string {
  return join(folder, WORK_FOLDER_NAME, `${shardNumber(index)}.json`);
}

/** Returns the path of a shard's lease. It exists while the shard is made. */
export function leasePath(folder: string, index: number): string {
  return join(folder, WORK_FOLDER_NAME, `${shardNumber(index)}.lease`);
}

/** Returns the numbers of the shards that have a record. */
export async function recordedShards(folder: string): Promise<Set<number>> {
  const names = await readdir(join(folder, WORK_FOLDER_NAME)).catch(() => []);
  return new Set(names.flatMap((name) => (/^\d+\.json$/.test(name) ? [Number.parseInt(name, 10)] : [])));
}

/**
 * Returns the record of a finished shard. Returns undefined if there is none, and if it is damaged
 * and the shard must be made again.
 */
export async function readRecord(folder: string, index: number): Promise<FinishedShard | undefined> {
  try {
    const record = JSON.parse(await readFile(recordPath(folder, index), 'utf8')) as FinishedShard;
    return record.index === index && Array.isArray(record.failed) ? record : undefined;
  } catch {
    return undefined;
  }
}
