import {
  byteLength,
  deserialize,
  SafetensorsError,
  type TensorInfo,
  type TensorPlace,
  toFloat32,
} from 'safetensors-ts';
import { CheckpointError } from '../errors.js';
import type { PackedValues } from '../packed/packed-values.js';
import { unpack } from '../packed/unpack.js';
import { MappedFiles } from './mapped-files.js';
import { logicalEntries, readPackedEntry } from './packed-entries.js';
import { entryOf, shapeToRead, sliceShape, type TensorSource } from './tensor-source.js';

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

/** The tensors of an open .safetensors file, or of several. */
export interface StoredTensors {
  readonly tensors: ReadonlyMap<string, Pick<TensorInfo, 'dtype' | 'shape'>>;
  readonly metadata: ReadonlyMap<string, string>;
  /** A part of a tensor's bytes, by default all, in memory of the caller's own. */
  readBytes(name: string, byteOffset?: number, byteLength?: number): Promise<Uint8Array>;
  /** Where a tensor's bytes lie, if that is a file. */
  placeOf?(name: string): TensorPlace;
  close(): Promise<void>;
}

/**
 * The tensors of a file as a checkpoint, with those of packed matrices joined. `file` is for
 * messages. Throws CheckpointError for packed matrices that are damaged; `stored` stays open then.
 */
export function safetensorsSource(file: string, stored: StoredTensors): TensorSource {
  const { entries, packed } = logicalEntries(file, stored.tensors, stored.metadata);

  const readPart = async (name: string, slice?: number) => {
    const { dtype, shape } = stored.tensors.get(name) as Pick<TensorInfo, 'dtype' | 'shape'>;
    if (slice === undefined) return { dtype, shape, bytes: await stored.readBytes(name) };
    const inner = sliceShape({ name, dtype, shape }, slice, file);
    const length = byteLength(dtype, inner, name);
    return { dtype, shape: inner, bytes: await stored.readBytes(name, slice * length, length) };
  };
  const mapped = new MappedFiles();
  /** The place of a tensor's data, or of an index of its leading axis. */
  const placeOf = (name: string, slice?: number): TensorPlace | undefined => {
    const whole = stored.placeOf?.(name);
    if (whole === undefined || slice === undefined) return whole;
    const { dtype, shape } = stored.tensors.get(name) as Pick<TensorInfo, 'dtype' | 'shape'>;
    const length = byteLength(dtype, sliceShape({ name, dtype, shape }, slice, file), name);
    return { ...whole, position: whole.position + slice * length, byteLength: length };
  };
  const mappedBytes = (name: string, elementBytes: 1 | 2, slice?: number): Uint8Array | undefined => {
    const place = placeOf(name, slice);
    return place && mapped.bytes(place, elementBytes);
  };
  const readMatrix = (name: string, mayMap = false): Promise<PackedValues> | undefined => {
    const found = packed.get(name);
    if (found === undefined) return undefined;
    return readPackedEntry(file, found, async (part, elementBytes) => {
      const there = mayMap ? mappedBytes(part, elementBytes) : undefined;
      return there ?? stored.readBytes(part);
    });
  };
  const rethrown = async <T>(reading: Promise<T>): Promise<T> => {
    try {
      return await reading;
    } catch (error) {
      throw asCheckpointError(error);
    }
  };
  return {
    description: file,
    entries,
    metadata: stored.metadata,
    read: (name, slice) =>
      rethrown(
        (async () => {
          const entry = entryOf(entries, name, file);
          if (slice !== undefined) sliceShape(entry, slice, file);
          const matrix = await readMatrix(name);
          if (matrix === undefined) return toFloat32(await readPart(name, slice));
          const values = unpack(matrix);
          const length = values.length / (entry.shape[0] as number);
          return slice === undefined ? values : values.slice(slice * length, (slice + 1) * length);
        })(),
      ),
    readPacked: (name, slice, mayMap = false) =>
      rethrown(
        (async () => {
          const entry = entryOf(entries, name, file);
          const { dtype } = entry;
          if (dtype === 'INT8' || dtype === 'INT4')
            return slice === undefined ? readMatrix(name, mayMap) : undefined;
          if (dtype !== 'F16' && dtype !== 'BF16') return undefined;
          const there = mayMap ? mappedBytes(name, 2, slice) : undefined;
          if (there !== undefined)
            return { format: dtype, shape: shapeToRead(entry, slice, file), codes: there };
          const { shape, bytes } = await readPart(name, slice);
          return { format: dtype, shape, codes: bytes };
        })(),
      ),
    mapTensor: (name, slice) => {
      const entry = entryOf(entries, name, file);
      const { dtype } = entry;
      if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16') return undefined;
      const place = placeOf(name, slice);
      return place && mapped.tensor(place, shapeToRead(entry, slice, file), dtype);
    },
    close: () => {
      mapped.close();
      return stored.close();
    },
  };
}

/**
 * A .safetensors file in memory. `description` is for messages. Throws CheckpointError for a
 * malformed file.
 */
export function fromSafetensors(bytes: Uint8Array, description = 'safetensors'): TensorSource {
  try {
    const { header, tensors } = deserialize(bytes, description);
    return safetensorsSource(description, {
      tensors: header.tensors,
      metadata: header.metadata,
      readBytes: async (name, offset = 0, length) => {
        const { bytes: data } = entryOf(tensors, name, description);
        return data.slice(offset, length === undefined ? undefined : offset + length);
      },
      close: async () => undefined,
    });
  } catch (error) {
    throw asCheckpointError(error);
  }
}
