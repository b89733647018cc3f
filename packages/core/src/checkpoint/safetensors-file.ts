import { type ByteFile, parseIndex, SafetensorsFile, ShardedSafetensors } from 'safetensors-ts';
import { type ModelFiles, readWhole } from '../files/model-files.js';
import { asCheckpointError } from './safetensors.js';
import { entryOf, sliceShape, type TensorSource } from './tensor-source.js';

/**
 * A .safetensors file. Closing the checkpoint closes it. Throws CheckpointError for a malformed
 * file.
 */
export async function openSafetensors(file: ByteFile): Promise<TensorSource> {
  try {
    const opened = await SafetensorsFile.open(file);
    return toSource(opened.name, opened.header.tensors, opened.header.metadata, opened);
  } catch (error) {
    throw asCheckpointError(error);
  }
}

/**
 * The files of a `model.safetensors.index.json` as one checkpoint. `index` is the file of that name
 * in `files`; it is read and closed. Throws CheckpointError for a malformed or a missing file.
 */
export async function openSafetensorsIndex(index: ByteFile, files: ModelFiles): Promise<TensorSource> {
  try {
    const bytes = new Uint8Array(index.size);
    await readWhole(index, bytes, 0);
    const sharded = await ShardedSafetensors.open(parseIndex(bytes, index.name), async (name) => {
      const file = await files.open(name);
      if (file === undefined) throw new Error('there is no such file');
      return file;
    });
    return toSource(index.name, sharded.tensors, sharded.metadata, sharded);
  } catch (error) {
    throw asCheckpointError(error);
  } finally {
    await index.close();
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
