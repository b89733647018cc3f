import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openFile } from './disk-file.js';
import { SafetensorsFile } from './file.js';
import { parseIndex, ShardedSafetensors, type ShardIndex } from './sharded.js';

// One file.

export { openFile } from './disk-file.js';
export { type TensorChunks, writeSafetensors, writeSafetensorsBy } from './write-file.js';

// A tensor set in several files, with an index.

export { cutIntoShards, type ShardOptions, shardName, writeSharded, writeShards } from './write-sharded.js';

/**
 * Opens a .safetensors file on disk. Throws SafetensorsError, or the file system's error (ENOENT,
 * EACCES, EISDIR …).
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  return SafetensorsFile.open(await openFile(path));
}

/**
 * Reads an index on disk; see `parseIndex`. Throws SafetensorsError `InvalidIndex`, or the file
 * system's error.
 */
export async function readIndex(path: string): Promise<ShardIndex> {
  return parseIndex(await readFile(path), path);
}

/** Opens an index on disk and the files beside it that it names; see `ShardedSafetensors.open`. */
export async function openShardedSafetensors(indexPath: string): Promise<ShardedSafetensors> {
  const index = await readIndex(indexPath);
  return ShardedSafetensors.open(index, (name) => openFile(join(dirname(indexPath), name)));
}
