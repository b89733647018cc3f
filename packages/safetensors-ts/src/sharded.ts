import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeAll, writeAtomically } from './atomic-file.js';
import type { Metadata, TensorEntry } from './bytes.js';
import { byteLength } from './dtypes.js';
import { quote, SafetensorsError } from './errors.js';
import { SafetensorsFile, type TensorChunks, writeSafetensors } from './file.js';
import { MAX_HEADER_BYTES, type TensorInfo } from './header.js';
import { describeJson, JsonObject, JsonSyntaxError, type JsonValue, parseJson } from './json.js';

/** `model.safetensors.index.json`: which file of a folder holds which tensor. */
export interface ShardIndex {
  readonly path: string;
  /** Bytes of all tensors together, if the index says. */
  readonly totalSize: number | undefined;
  /** Tensor name → file name, in the folder of the index. */
  readonly weightMap: ReadonlyMap<string, string>;
}

/**
 * Reads an index. File names must be plain names: an index cannot lead out of its folder.
 *
 * Throws SafetensorsError `InvalidIndex`, or the file system's error.
 */
export async function readIndex(path: string): Promise<ShardIndex> {
  const bytes = await readFile(path);
  const refuse = (
    problem: string,
    field: string | undefined,
    expected: string,
    found: JsonValue | undefined,
  ): never => {
    throw new SafetensorsError('InvalidIndex', problem, {
      file: path,
      field,
      expected,
      found: describeJson(found),
    });
  };
  if (bytes.byteLength > MAX_HEADER_BYTES) {
    throw new SafetensorsError('InvalidIndex', 'too large for an index', {
      file: path,
      expected: `at most ${MAX_HEADER_BYTES} bytes`,
      found: `${bytes.byteLength}`,
    });
  }
  let root: JsonValue;
  try {
    root = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    const problem = error instanceof JsonSyntaxError ? `not JSON: ${error.message}` : 'not UTF-8';
    throw new SafetensorsError('InvalidIndex', problem, { file: path });
  }
  if (!(root instanceof JsonObject)) return refuse('not an index', undefined, 'an object', root);
  const fields = new Map(root.entries);
  const map = fields.get('weight_map');
  if (!(map instanceof JsonObject)) {
    return refuse('not an index', 'weight_map', 'an object of tensor name → file name', map);
  }
  const weightMap = new Map<string, string>();
  for (const [name, file] of map.entries) {
    if (typeof file !== 'string' || !/^[^/\\\0]+$/.test(file) || file === '.' || file === '..') {
      throw new SafetensorsError('InvalidIndex', 'not the name of a file in the same folder', {
        file: path,
        tensor: name,
        field: 'weight_map',
        expected: 'a file name without path',
        found: describeJson(file),
      });
    }
    if (weightMap.has(name)) {
      throw new SafetensorsError('InvalidIndex', 'the index names it twice', {
        file: path,
        tensor: name,
        field: 'weight_map',
      });
    }
    weightMap.set(name, file);
  }
  const metadata = fields.get('metadata');
  const size = metadata instanceof JsonObject ? new Map(metadata.entries).get('total_size') : undefined;
  return { path, totalSize: size === undefined ? undefined : Number(size), weightMap };
}

/** The files of an index, open for reading as if they were one. */
export class ShardedSafetensors {
  readonly path: string;
  /** Of all files, by name, in the order of the index. `begin` and `end` are offsets in the tensor's own file. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
  readonly #files: ReadonlyMap<string, SafetensorsFile>;
  readonly #weightMap: ReadonlyMap<string, string>;

  private constructor(index: ShardIndex, files: ReadonlyMap<string, SafetensorsFile>) {
    this.path = index.path;
    this.#files = files;
    this.#weightMap = index.weightMap;
    this.tensors = new Map([...index.weightMap.keys()].map((name) => [name, this.#file(name).info(name)]));
    this.metadata = new Map([...files.values()].flatMap((file) => [...file.header.metadata]));
  }

  /**
   * Opens every file that the index names and checks that index and files hold the same tensors.
   *
   * Throws SafetensorsError, with `InvalidIndex` for a missing file or tensor and for one that the index does not name.
   */
  static async open(indexPath: string): Promise<ShardedSafetensors> {
    const index = await readIndex(indexPath);
    const files = new Map<string, SafetensorsFile>();
    try {
      for (const name of new Set(index.weightMap.values())) {
        files.set(name, await openShard(indexPath, name));
      }
      for (const [tensor, fileName] of index.weightMap) {
        if (!files.get(fileName)?.header.tensors.has(tensor)) {
          throw new SafetensorsError(
            'InvalidIndex',
            `the index puts it into ${quote(fileName)}, which does not hold it`,
            {
              file: indexPath,
              tensor,
            },
          );
        }
      }
      for (const [fileName, file] of files) {
        for (const tensor of file.header.tensors.keys()) {
          if (index.weightMap.get(tensor) === fileName) continue;
          throw new SafetensorsError(
            'InvalidIndex',
            `the file ${quote(fileName)} holds it, but the index does not say so`,
            {
              file: indexPath,
              tensor,
            },
          );
        }
      }
      return new ShardedSafetensors(index, files);
    } catch (error) {
      await closeAll(files);
      throw error;
    }
  }

  #file(tensor: string): SafetensorsFile {
    const file = this.#files.get(this.#weightMap.get(tensor) ?? '');
    if (file === undefined) {
      throw new SafetensorsError('TensorNotFound', 'the index names no such tensor', {
        file: this.path,
        tensor,
      });
    }
    return file;
  }

  /** See `SafetensorsFile.readBytes`. */
  async readBytes(name: string, byteOffset?: number, byteLength?: number): Promise<Uint8Array> {
    return this.#file(name).readBytes(name, byteOffset, byteLength);
  }

  /** See `SafetensorsFile.readFloat32`. */
  async readFloat32(name: string, slice?: number): Promise<Float32Array> {
    return this.#file(name).readFloat32(name, slice);
  }

  /** Gives all files back. */
  async close(): Promise<void> {
    await closeAll(this.#files);
  }
}

async function openShard(indexPath: string, name: string): Promise<SafetensorsFile> {
  try {
    return await SafetensorsFile.open(join(dirname(indexPath), name));
  } catch (error) {
    if (error instanceof SafetensorsError) throw error;
    throw new SafetensorsError('InvalidIndex', `the file ${quote(name)} that it names cannot be opened`, {
      file: indexPath,
      found: (error as Error).message,
    });
  }
}

async function closeAll(files: ReadonlyMap<string, SafetensorsFile>): Promise<void> {
  for (const file of files.values()) await file.close();
}

/** How `writeSharded` cuts and names. */
export interface ShardOptions {
  /** Most bytes of tensors in a file; a bigger tensor has a file of its own. Default 5 GB, as in huggingface_hub. */
  readonly maxShardBytes?: number;
  /** Written into each file. */
  readonly metadata?: Metadata;
  /** First part of the file names. Default `model`. */
  readonly baseName?: string;
}

const DEFAULT_MAX_SHARD_BYTES = 5e9;

/** Tensors in their order, cut into lists of at most `maxShardBytes` each; a bigger tensor is alone in its list. */
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
 * Writes the files of a sharded checkpoint by `writeFile`, one after the other, and then the index, so that an index always names complete
 * files; if one cannot be written, those before it are removed. `weightMap` is written sorted. Returns the index's name.
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
 * Writes tensors into as few files as `maxShardBytes` allows, filled in the given order: `model.safetensors` alone if one is enough, else
 * `model-00001-of-0000N.safetensors` … and then the index, so that an index always names complete files. `read` as in
 * `writeSafetensors`. Returns the names of the files written.
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
