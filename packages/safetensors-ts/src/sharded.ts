import type { ByteFile } from './byte-file.js';
import { quote, SafetensorsError } from './errors.js';
import { SafetensorsFile, type TensorPlace } from './file.js';
import { MAX_HEADER_BYTES, type TensorInfo } from './header.js';
import { describeJson, JsonObject, JsonSyntaxError, type JsonValue, parseJson } from './json.js';

/** `model.safetensors.index.json`: which file of a folder holds which tensor. */
export interface ShardIndex {
  readonly path: string;
  /** The bytes of all tensors together, if the index says so. */
  readonly totalSize: number | undefined;
  /** Tensor name → file name, in the folder of the index. */
  readonly weightMap: ReadonlyMap<string, string>;
}

/**
 * Parses an index. File names must be plain names, so that an index cannot lead out of its folder.
 * `path` is for messages.
 *
 * Throws SafetensorsError `InvalidIndex`.
 */
export function parseIndex(bytes: Uint8Array, path: string): ShardIndex {
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
  /**
   * The tensors of all files by name, in the order of the index. `begin` and `end` are offsets in
   * the tensor's own file.
   */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
  private readonly files: ReadonlyMap<string, SafetensorsFile>;
  private readonly weightMap: ReadonlyMap<string, string>;

  private constructor(index: ShardIndex, files: ReadonlyMap<string, SafetensorsFile>) {
    this.path = index.path;
    this.files = files;
    this.weightMap = index.weightMap;
    this.tensors = new Map([...index.weightMap.keys()].map((name) => [name, this.file(name).info(name)]));
    this.metadata = new Map([...files.values()].flatMap((file) => [...file.header.metadata]));
  }

  /**
   * Opens every file that the index names, by `openShard`. Checks that index and files hold the
   * same tensors.
   *
   * Throws SafetensorsError, with `InvalidIndex` for a missing file or tensor, and for a tensor
   * that the index does not name.
   */
  static async open(
    index: ShardIndex,
    openShard: (fileName: string) => Promise<ByteFile>,
  ): Promise<ShardedSafetensors> {
    const { path: indexPath } = index;
    const files = new Map<string, SafetensorsFile>();
    try {
      for (const name of new Set(index.weightMap.values())) {
        files.set(name, await openNamed(indexPath, name, openShard));
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

  private file(tensor: string): SafetensorsFile {
    const file = this.files.get(this.weightMap.get(tensor) ?? '');
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
    return this.file(name).readBytes(name, byteOffset, byteLength);
  }

  /** See `SafetensorsFile.placeOf`. */
  placeOf(name: string): TensorPlace {
    return this.file(name).placeOf(name);
  }

  /** See `SafetensorsFile.readFloat32`. */
  async readFloat32(name: string, slice?: number): Promise<Float32Array> {
    return this.file(name).readFloat32(name, slice);
  }

  /** Closes all files. */
  async close(): Promise<void> {
    await closeAll(this.files);
  }
}

async function openNamed(
  indexPath: string,
  name: string,
  openShard: (fileName: string) => Promise<ByteFile>,
): Promise<SafetensorsFile> {
  try {
    return await SafetensorsFile.open(await openShard(name));
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
