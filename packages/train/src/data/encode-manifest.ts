import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '@easel/core';
import { writeFileAtomic } from '@easel/core/node';
import type { PictureShape } from './decode-picture.js';
import type { ShardFormat } from './shards.js';

/** Log of the pictures that encoding passed over; it lies beside the shards. */
export const skippedLogName = 'skipped.jsonl';

const manifestName = 'manifest.json';

/** What an encoded set was made from: resuming needs all of it unchanged. */
export interface EncodingOrigin {
  readonly format: ShardFormat;
  /** Digest of picture names and captions. */
  readonly source: string;
  /** Digest of the VQGAN's config and weights. */
  readonly vqgan: string;
  readonly shape: PictureShape;
  readonly picturesPerShard: number;
}

/** A finished shard. */
export interface ShardRecord {
  readonly file: string;
  readonly pictures: number;
  readonly rows: number;
  readonly skipped: number;
}

/** State of an encoded set, written after each shard: what is in it and what made it. */
export interface EncodeManifest {
  readonly version: 1;
  readonly origin: EncodingOrigin;
  readonly complete: boolean;
  readonly shards: readonly ShardRecord[];
  /** How often each code of the codebook was used. */
  readonly codeCounts: readonly number[];
}

/** The manifest of a folder, or undefined where there is none. Throws DataError if it is damaged. */
export async function readManifest(folder: string): Promise<EncodeManifest | undefined> {
  const path = join(folder, manifestName);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
  try {
    const manifest = JSON.parse(text) as EncodeManifest;
    if (manifest.version === 1 && Array.isArray(manifest.shards)) return manifest;
  } catch {}
  throw new DataError(
    `Encoded set manifest ${path}: damaged or of another version. Encode into a new folder.`,
  );
}

/** Replaces the manifest of a folder atomically. */
export async function writeManifest(folder: string, manifest: EncodeManifest): Promise<void> {
  await writeFileAtomic(join(folder, manifestName), `${JSON.stringify(manifest)}\n`);
}
