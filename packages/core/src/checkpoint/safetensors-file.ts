import { SafetensorsFile, ShardedSafetensors } from 'safetensors-ts/node';
import { asCheckpointError } from './safetensors.js';
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
