import { typedArray } from 'safetensors-ts';
import { openSafetensors } from 'safetensors-ts/node';
import { asCheckpointError } from './safetensors.js';
import type { ArrayToSave } from './save.js';

/**
 * All numbers of a .safetensors file on disk, as `saveSafetensors` had them. 32-bit integers are
 * exact; everything else is float32. Throws CheckpointError for a malformed file, or the file
 * system's error.
 */
export async function readSafetensors(path: string): Promise<Map<string, ArrayToSave>> {
  try {
    const file = await openSafetensors(path);
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
