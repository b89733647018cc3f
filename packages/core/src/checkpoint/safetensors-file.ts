import { type ByteFile, parseIndex, SafetensorsFile, ShardedSafetensors } from 'safetensors-ts';
import { type ModelFiles, readWhole } from '../files/model-files.js';
import { asCheckpointError, type StoredTensors, safetensorsSource } from './safetensors.js';
import type { TensorSource } from './tensor-source.js';

/**
 * A .safetensors file. Closing the checkpoint closes it. Throws CheckpointError for a malformed
 * file.
 */
export async function openSafetensors(file: ByteFile): Promise<TensorSource> {
  try {
    const opened = await SafetensorsFile.open(file);
    const { tensors, metadata } = opened.header;
    return await toSource(opened.name, {
      tensors,
      metadata,
      readBytes: (...range) => opened.readBytes(...range),
      placeOf: (name) => opened.placeOf(name),
      close: () => opened.close(),
    });
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
    return await toSource(index.name, sharded);
  } catch (error) {
    throw asCheckpointError(error);
  } finally {
    await index.close();
  }
}

/** The source of opened files, which are closed if they are refused. */
async function toSource(file: string, stored: StoredTensors): Promise<TensorSource> {
  try {
    return safetensorsSource(file, stored);
  } catch (error) {
    await stored.close();
    throw error;
  }
}
