import { type FileHandle, open, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CheckpointError } from '../errors.js';
import { fileSource, readFromFile } from './file-source.js';
import { indexMsgpack, type MsgpackEntry, type MsgpackIndex, readMsgpackEntry } from './msgpack.js';
import { entryOf, type TensorSource } from './tensor-source.js';

/**
 * A Flax msgpack file on disk. Opening reads the structure only; tensors are read when asked for, by position, so memory holds one at a
 * time and the file may have any size.
 */
export class MsgpackFile implements TensorSource {
  readonly description: string;
  readonly entries: ReadonlyMap<string, MsgpackEntry>;
  readonly metadata: ReadonlyMap<string, string>;
  readonly #handle: FileHandle;

  private constructor(description: string, index: MsgpackIndex, handle: FileHandle) {
    this.description = description;
    this.entries = index.entries;
    this.metadata = index.metadata;
    this.#handle = handle;
  }

  /** Opens and checks a file. Throws CheckpointError, or the file system's error. */
  static async open(path: string): Promise<MsgpackFile> {
    const handle = await open(path, 'r');
    try {
      const { size } = await handle.stat();
      return new MsgpackFile(path, indexMsgpack(fileSource(handle, size, path)), handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async read(name: string, slice?: number): Promise<Float32Array> {
    const entry = entryOf(this.entries, name, this.description);
    return readMsgpackEntry(entry, slice, this.description, readFromFile(this.#handle, this.description));
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/**
 * The files of a `flax_model.msgpack.index.json` as one checkpoint. The index joins keys with '/'; our names have '.'.
 *
 * Throws CheckpointError for a malformed index, a missing file, a tensor that is not where the index says or that it does not name.
 */
export async function openMsgpackIndex(path: string): Promise<TensorSource> {
  const weightMap = parseIndex(path, await readFile(path, 'utf8'));
  const files = new Map<string, MsgpackFile>();
  const closeAll = async () => {
    for (const file of files.values()) await file.close();
  };
  try {
    for (const fileName of new Set(weightMap.values())) {
      const filePath = join(dirname(path), fileName);
      files.set(
        fileName,
        await MsgpackFile.open(filePath).catch((error: unknown) => {
          if (error instanceof CheckpointError) throw error;
          throw new CheckpointError(
            `${path}: the file "${fileName}" that it names cannot be opened (${(error as Error).message}). Fetch all parts of the checkpoint into one folder.`,
            { cause: error },
          );
        }),
      );
    }
    const entries = new Map<string, MsgpackEntry>();
    for (const [name, fileName] of weightMap) {
      const entry = files.get(fileName)?.entries.get(name);
      if (entry === undefined)
        throw new CheckpointError(`${path}: it puts "${name}" into "${fileName}", which does not hold it.`);
      entries.set(name, entry);
    }
    for (const [fileName, file] of files) {
      for (const name of file.entries.keys()) {
        if (weightMap.get(name) !== fileName) {
          throw new CheckpointError(`${path}: "${fileName}" holds "${name}", but the index does not say so.`);
        }
      }
    }
    return {
      description: path,
      entries,
      metadata: new Map([...files.values()].flatMap((file) => [...file.metadata])),
      read: async (name, slice) => {
        entryOf(entries, name, path);
        const file = files.get(weightMap.get(name) as string) as MsgpackFile;
        return file.read(name, slice);
      },
      close: closeAll,
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

function parseIndex(path: string, text: string): Map<string, string> {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    throw new CheckpointError(`${path}: not JSON (${(error as Error).message}). Fetch the index again.`, {
      cause: error,
    });
  }
  const map = (root as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== 'object' || map === null || Array.isArray(map)) {
    throw new CheckpointError(`${path}: expected an object with "weight_map" (tensor name → file name).`);
  }
  const weightMap = new Map<string, string>();
  for (const [name, fileName] of Object.entries(map)) {
    if (
      typeof fileName !== 'string' ||
      !/^[^/\\\0]+$/.test(fileName) ||
      fileName === '.' ||
      fileName === '..'
    ) {
      throw new CheckpointError(
        `${path}, "${name}": expected the name of a file in the same folder, found ${JSON.stringify(fileName)}.`,
      );
    }
    weightMap.set(name.replaceAll('/', '.'), fileName);
  }
  return weightMap;
}
