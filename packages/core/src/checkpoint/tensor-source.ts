import type * as tf from '@tensorflow/tfjs';
import { DTYPE_BITS, type Dtype } from 'safetensors-ts';
import { CheckpointError } from '../errors.js';
import type { PackOptions } from '../packed/pack.js';
import type { PackedValues } from '../packed/packed-values.js';
import { type ByteDtype, isByteDtype } from './byte-dtypes.js';

/** The dtypes of other formats that safetensors lacks. */
export type UnnamedDtype = 'C32' | 'C128' | ByteDtype;

/** The matrices of packed-entries.ts, whose numbers share scales. */
export type PackedDtype = 'INT8' | 'INT4';

/** What a checkpoint says of one tensor, whatever its format. */
export interface SourceEntry {
  readonly name: string;
  /**
   * A dtype of safetensors ('F32', 'BF16', 'I64' …), or one that safetensors has no name for. The
   * latter are complex numbers of 32 and 128 bits, which cannot be read as float32, and what
   * ml_dtypes stores in a byte each ('int4' …). INT8 and INT4 are Easel's own: numbers that share
   * scales.
   */
  readonly dtype: Dtype | UnnamedDtype | PackedDtype;
  readonly shape: readonly number[];
  /** INT8 and INT4: which numbers share a scale. */
  readonly packing?: PackOptions;
}

/**
 * The longest name of a tensor, keys joined. A long key over many tensors would take more memory
 * than the file.
 */
export const MAX_NAME_LENGTH = 4096;

/** Bytes of one element. */
export function itemBytes(dtype: SourceEntry['dtype']): number {
  if (dtype === 'C128') return 16;
  if (dtype === 'C32') return 4;
  if (dtype === 'INT8') return 1;
  if (dtype === 'INT4') return 0.5;
  return isByteDtype(dtype) ? 1 : DTYPE_BITS[dtype] / 8;
}

/** A checkpoint, open for reading one tensor at a time. */
export interface TensorSource {
  /** Where the checkpoint comes from, for messages: a path, or what the caller said. */
  readonly description: string;
  /** The tensors by name. The keys of nested maps (Flax) are joined with '.'. */
  readonly entries: ReadonlyMap<string, SourceEntry>;
  /** Text that the file holds beside its tensors. */
  readonly metadata: ReadonlyMap<string, string>;
  /**
   * What the file holds and cannot be read: the name that it would have, and what it is. A model
   * that needs it gets this as the reason. The rest of the file can still be read.
   */
  readonly leftOut?: ReadonlyMap<string, string>;
  /**
   * A tensor's numbers in C order. Floats are widened or rounded to float32; integers and booleans
   * are converted. With `slice`, only that index of the leading axis is read, and no other byte of
   * the file. The array is the caller's own.
   *
   * Throws CheckpointError for an unknown name, a slice that does not exist, complex numbers, or a
   * file that changed while open.
   */
  read(name: string, slice?: number): Promise<Float32Array>;
  /**
   * A tensor's numbers as they are stored, if that is one of the packed formats; else undefined. The
   * arrays are the caller's own. With `mayMap` they may lie in the file itself instead: they must not
   * be written, and tensors must be made of them before `close`. Throws as `read` does. A source that
   * has no such tensors may lack the function.
   */
  readPacked?(name: string, slice?: number, mayMap?: boolean): Promise<PackedValues | undefined>;
  /**
   * A float32 tensor of `read`'s numbers, where the running backend can use floats where they lie in
   * the file; else undefined. Throws as `read` does.
   */
  mapTensor?(name: string, slice?: number): tf.Tensor | undefined;
  /** Closes the files. Reads after it fail. */
  close(): Promise<void>;
}

/**
 * The entry of a name. Throws CheckpointError that names it if there is none, and says why if it
 * was left out.
 */
export function entryOf<Entry extends SourceEntry>(
  entries: ReadonlyMap<string, Entry>,
  name: string,
  description: string,
  leftOut?: ReadonlyMap<string, string>,
): Entry {
  const entry = entries.get(name);
  if (entry !== undefined) return entry;
  const reason = leftOut?.get(name);
  throw new CheckpointError(
    reason === undefined
      ? `${description}: there is no tensor "${name}" in it.`
      : `${description}: "${name}" was left out: ${reason}.`,
  );
}

/**
 * The shape of one index of the leading axis: the shape without that axis.
 *
 * Throws CheckpointError if there is no such axis or index.
 */
export function sliceShape(entry: SourceEntry, slice: number, description: string): readonly number[] {
  const [count, ...inner] = entry.shape;
  if (count === undefined || !Number.isInteger(slice) || slice < 0 || slice >= count) {
    throw new CheckpointError(
      `${description}, tensor "${entry.name}": slice ${slice} of its leading axis was asked for, but its shape is [${entry.shape}].`,
    );
  }
  return inner;
}

/**
 * The shape of what `read` gives: the tensor's, or that of one index of its leading axis.
 *
 * Throws CheckpointError if there is no such index, or for complex numbers.
 */
export function shapeToRead(
  entry: SourceEntry,
  slice: number | undefined,
  description: string,
): readonly number[] {
  if (entry.dtype === 'C128' || entry.dtype === 'C64' || entry.dtype === 'C32') {
    throw new CheckpointError(
      `${description}, tensor "${entry.name}": complex numbers cannot be read as float32.`,
    );
  }
  return slice === undefined ? entry.shape : sliceShape(entry, slice, description);
}

/**
 * Several checkpoints as one. A tensor's name is its checkpoint's key in `parts`, then a dot, then
 * its name there. Closing the result closes all.
 */
export function joinSources(description: string, parts: ReadonlyMap<string, TensorSource>): TensorSource {
  const entries = new Map<string, SourceEntry>();
  const places = new Map<string, { readonly source: TensorSource; readonly name: string }>();
  const metadata = new Map<string, string>();
  const leftOut = new Map<string, string>();
  for (const [part, source] of parts) {
    for (const entry of source.entries.values()) {
      const name = `${part}.${entry.name}`;
      entries.set(name, { name, dtype: entry.dtype, shape: entry.shape });
      places.set(name, { source, name: entry.name });
    }
    for (const [key, value] of source.metadata) metadata.set(`${part}.${key}`, value);
    for (const [name, reason] of source.leftOut ?? []) leftOut.set(`${part}.${name}`, reason);
  }
  return {
    description,
    entries,
    metadata,
    leftOut,
    read: async (name, slice) => {
      const place = places.get(entryOf(entries, name, description, leftOut).name) as {
        source: TensorSource;
        name: string;
      };
      return place.source.read(place.name, slice);
    },
    readPacked: async (name, slice, mayMap) => {
      const place = places.get(entryOf(entries, name, description, leftOut).name);
      return place?.source.readPacked?.(place.name, slice, mayMap);
    },
    mapTensor: (name, slice) => {
      const place = places.get(entryOf(entries, name, description, leftOut).name);
      return place?.source.mapTensor?.(place.name, slice);
    },
    close: async () => {
      for (const source of parts.values()) await source.close();
    },
  };
}
