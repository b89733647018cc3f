import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAll, writeAtomically } from './atomic-file.js';
import type { Metadata, TensorEntry } from './bytes.js';
import { byteLength } from './dtypes.js';
import { SafetensorsError } from './errors.js';
import { type TensorChunks, writeSafetensors } from './write-file.js';

/** How `writeSharded` cuts and names. */
export interface ShardOptions {
  /**
   * The most bytes of tensors in a file. A bigger tensor has a file of its own. Default 5 GB, as in
   * huggingface_hub.
   */
  readonly maxShardBytes?: number;
  /** Metadata, written into each file. */
  readonly metadata?: Metadata;
  /** The first part of the file names. Default `model`. */
  readonly baseName?: string;
}

const DEFAULT_MAX_SHARD_BYTES = 5e9;

/**
 * Tensors in their order, cut into lists of at most `maxShardBytes` each. A bigger tensor is alone
 * in its list.
 */
export function cutIntoShards<Tensor>(
  tensors: Iterable<Tensor>,
  bytesOf: (tensor: Tensor) => number,
  maxShardBytes: number,
): Tensor[][] {
  const shards: Tensor[][] = [];
  let filled = Number.POSITIVE_INFINITY;
  for (const tensor of tensors) {
    const size = bytesOf(tensor);
    if (filled + size > maxShardBytes) {
      shards.push([]);
      filled = 0;
    }
    shards.at(-1)?.push(tensor);
    filled += size;
  }
  return shards;
}

/** `model-00001-of-00003.safetensors`: the name of file `index` (from 0) of `count`. */
export function shardName(baseName: string, index: number, count: number, ending: string): string {
  const number = (value: number) => `${value}`.padStart(5, '0');
  return `${baseName}-${number(index + 1)}-of-${number(count)}${ending}`;
}

/**
 * Writes the files of a sharded checkpoint by `writeFile`, one after the other, and then the index,
 * so that an index always names complete files. If a file cannot be written, those before it are
 * removed. `weightMap` is written sorted. Returns the index's name.
 */
export async function writeShards(
  directory: string,
  shards: ReadonlyMap<string, () => Promise<unknown>>,
  indexName: string,
  index: { readonly totalSize: number; readonly weightMap: ReadonlyMap<string, string> },
): Promise<string> {
  const sorted = [...index.weightMap].sort(([a], [b]) => (a < b ? -1 : 1));
  const json = { metadata: { total_size: index.totalSize }, weight_map: Object.fromEntries(sorted) };
  const written: string[] = [];
  try {
    for (const [name, write] of shards) {
      await write();
      written.push(name);
    }
    await writeAtomically(join(directory, indexName), (handle) =>
      writeAll(handle, new TextEncoder().encode(`${JSON.stringify(json, null, 2)}\n`)),
    );
  } catch (error) {
    for (const name of written) await rm(join(directory, name), { force: true });
    throw error;
  }
  return indexName;
}

/**
 * Writes tensors, in the given order, into as few files as `maxShardBytes` allows. If one is
 * enough, that is `model.safetensors`. Else the files are `model-00001-of-0000N.safetensors` …, and
 * then the index, so that an index always names complete files. `read` is as in `writeSafetensors`.
 * Returns the names of the files written.
 */
export async function writeSharded(
  directory: string,
  tensors: Iterable<TensorEntry>,
  read: (name: string) => TensorChunks | Promise<TensorChunks>,
  options: ShardOptions = {},
): Promise<string[]> {
  const { maxShardBytes = DEFAULT_MAX_SHARD_BYTES, metadata, baseName = 'model' } = options;
  const bytesOf = ({ dtype, shape, name }: TensorEntry): number => byteLength(dtype, shape, name);
  const shards = cutIntoShards(tensors, bytesOf, maxShardBytes);
  if (shards.length <= 1) {
    const name = `${baseName}.safetensors`;
    await writeSafetensors(join(directory, name), shards[0] ?? [], read, metadata);
    return [name];
  }
  const weightMap = new Map<string, string>();
  const files = new Map<string, () => Promise<unknown>>();
  for (const [i, shard] of shards.entries()) {
    const name = shardName(baseName, i, shards.length, '.safetensors');
    for (const tensor of shard) {
      if (weightMap.has(tensor.name)) {
        throw new SafetensorsError('InvalidTensorData', 'two tensors have this name', {
          tensor: tensor.name,
        });
      }
      weightMap.set(tensor.name, name);
    }
    files.set(name, () => writeSafetensors(join(directory, name), shard, read, metadata));
  }
  const totalSize = shards.flat().reduce((sum, tensor) => sum + bytesOf(tensor), 0);
  const indexName = `${baseName}.safetensors.index.json`;
  return [...files.keys(), await writeShards(directory, files, indexName, { totalSize, weightMap })];
}
