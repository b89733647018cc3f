import { CheckpointError } from '../errors.js';
import { type ModelFile, type ModelFiles, readWhole } from '../files/model-files.js';
import { openIndexedFile } from './indexed-format.js';
import { type MsgpackIndex, msgpackFormat } from './msgpack.js';
import { entryOf, type SourceEntry, type TensorSource } from './tensor-source.js';

/**
 * The files of a `flax_model.msgpack.index.json` as one checkpoint. The index joins keys with '/';
 * our names have '.'. `index` is the file of that name in `files`; it is read and closed.
 *
 * Throws CheckpointError for a malformed index, a missing file, a tensor that is not where the
 * index says, or a tensor that the index does not name.
 */
export async function openMsgpackIndex(index: ModelFile, files: ModelFiles): Promise<TensorSource> {
  const path = index.name;
  const weightMap = parseIndex(path, await textOf(index));
  const parts = new Map<string, MsgpackIndex & TensorSource>();
  const closeAll = async () => {
    for (const part of parts.values()) await part.close();
  };
  try {
    for (const fileName of new Set(weightMap.values())) {
      const part = await files.open(fileName);
      if (part === undefined) {
        throw new CheckpointError(
          `${path}: there is no file "${fileName}", which it names. Fetch all parts of the checkpoint into one folder.`,
        );
      }
      parts.set(fileName, await openIndexedFile(msgpackFormat, part));
    }
    const entries = new Map<string, SourceEntry>();
    for (const [name, fileName] of weightMap) {
      const part = parts.get(fileName);
      if (part?.leftOut.has(name)) continue;
      const entry = part?.entries.get(name);
      if (entry === undefined)
        throw new CheckpointError(`${path}: it puts "${name}" into "${fileName}", which does not hold it.`);
      entries.set(name, entry);
    }
    for (const [fileName, file] of parts) {
      for (const name of file.entries.keys()) {
        if (weightMap.get(name) !== fileName) {
          throw new CheckpointError(`${path}: "${fileName}" holds "${name}", but the index does not say so.`);
        }
      }
    }
    const leftOut = new Map([...parts.values()].flatMap((file) => [...file.leftOut]));
    return {
      description: path,
      entries,
      metadata: new Map([...parts.values()].flatMap((file) => [...file.metadata])),
      leftOut,
      read: async (name, slice) => {
        entryOf(entries, name, path, leftOut);
        const file = parts.get(weightMap.get(name) as string) as TensorSource;
        return file.read(name, slice);
      },
      close: closeAll,
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function textOf(file: ModelFile): Promise<string> {
  try {
    const bytes = new Uint8Array(file.size);
    await readWhole(file, bytes, 0);
    return new TextDecoder().decode(bytes);
  } finally {
    await file.close();
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
