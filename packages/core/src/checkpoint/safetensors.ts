import { deserialize, SafetensorsError, toFloat32 } from 'safetensors-ts';
import { CheckpointError } from '../errors.js';
import { entryOf, sliceShape, type TensorSource } from './tensor-source.js';

/**
 * Turns a refusal of safetensors-ts into a CheckpointError. Any other error is returned unchanged.
 */
export function asCheckpointError(error: unknown): unknown {
  if (!(error instanceof SafetensorsError)) return error;
  return new CheckpointError(
    `${error.message} If the file was downloaded or copied, fetch it again; else write it again with the program that made it.`,
    { cause: error },
  );
}

/**
 * A .safetensors file in memory. `description` is for messages. Throws CheckpointError for a
 * malformed file.
 */
export function fromSafetensors(bytes: Uint8Array, description = 'safetensors'): TensorSource {
  try {
    const { header, tensors } = deserialize(bytes, description);
    return {
      description,
      entries: header.tensors,
      metadata: header.metadata,
      read: async (name, slice) => {
        const { dtype, shape, bytes: data } = entryOf(tensors, name, description);
        try {
          if (slice === undefined) return toFloat32({ dtype, shape, bytes: data.slice() });
          const inner = sliceShape({ name, dtype, shape }, slice, description);
          const length = data.byteLength / (shape[0] as number);
          return toFloat32({ dtype, shape: inner, bytes: data.slice(slice * length, (slice + 1) * length) });
        } catch (error) {
          throw asCheckpointError(error);
        }
      },
      close: async () => undefined,
    };
  } catch (error) {
    throw asCheckpointError(error);
  }
}
