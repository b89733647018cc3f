import { typedArray } from 'safetensors-ts';
import { SafetensorsFile, ShardedSafetensors } from 'safetensors-ts/node';
import { asCheckpointError } from './safetensors.js';
import type { ArrayToSave } from './save.js';
import { entryOf, sliceShape, type TensorSource } from './tensor-source.js';

/** A .safetensors file on disk. Throws CheckpointError for a malformed one, or the file system's error. */
export async function openSafetensors(path: string): Promise<TensorSource> {
  try {
    const file = await SafetensorsFile.open(path);
    return toSource(path, file.header.tensors, file.header.metadata, file);
  } catch (error) {
    throw asCheckpointError(error);
  }
}

/**
 * All numbers of a .safetensors file, as `saveSafetensors` had them: 32-bit integers exactly, what else there is as float32. Throws as `openSafetensors`.
 */
export async function readSafetensors(path: string): Promise<Map<string, ArrayToSave>> {
  try {
    const file = await SafetensorsFile.open(path);
    try {
      const arrays = new Map<string, ArrayToSave>();
      for (const [name, { dtype, shape }] of file.header.tensors) {
        const data =
          dtype === 'I32'
            ? (typedArray({ dtype, bytes: await file.readBytes(name) }) as Int32Array)
            : await file.readFloat32(name);
        arrays.set(name, { data, shape });
      }
      return arrays;
    } finally {
      await file.close();
    }
  } catch (error) {
    throw asCheckpointError(error);
  }
}

/** The files of a `model.safetensors.index.json` as one checkpoint. Throws as `openSafetensors`. */
export async function openSafetensorsIndex(path: string): Promise<TensorSource> {
  try {
    const sharded = await ShardedSafetensors.open(path);
    return toSource(path, sharded.tensors, sharded.metadata, sharded);
  } catch (error) {
    throw asCheckpointError(error);
  }
}

function toSource(
  path: string,
  entries: TensorSource['entries'],
  metadata: TensorSource['metadata'],
  file: Pick<SafetensorsFile, 'readFloat32' | 'close'>,
): TensorSource {
  return {
    description: path,
    entries,
    metadata,
    read: async (name, slice) => {
      const entry = entryOf(entries, name, path);
      if (slice !== undefined) sliceShape(entry, slice, path);
      try {
        return await file.readFloat32(name, slice);
      } catch (error) {
        throw asCheckpointError(error);
      }
    },
    close: () => file.close(),
  };
}
