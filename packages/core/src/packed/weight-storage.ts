import { elementCount } from 'safetensors-ts';
import type { PackOptions } from './pack.js';

/**
 * How a model's weights are held in memory.
 *
 * `f32`: as float32. `stored`: as they are stored, where that is narrower. `f16`, `bf16`: tensors of
 * two axes and more in two bytes a number. `int8`: matrices in a byte a number, with a scale for each
 * output channel. `int4`, `int4-64`: matrices in half a byte, with a scale and an offset for 32 or 64
 * numbers. With the last three, what is no matrix is float16.
 */
export const WEIGHT_STORAGES = ['stored', 'f32', 'f16', 'bf16', 'int8', 'int4', 'int4-64'] as const;
/** One of `WEIGHT_STORAGES`. */
export type WeightStorage = (typeof WEIGHT_STORAGES)[number];

/** The storages that convert numbers. */
export type NarrowStorage = Exclude<WeightStorage, 'stored' | 'f32'>;

/**
 * Says along which axis a weight's numbers may share scales: 0 for a kernel [in, out], 1 for a table
 * [entries, width]; undefined for a weight that is no such matrix.
 */
export type MatrixAxis = (name: string) => 0 | 1 | undefined;

/** Smaller weights stay float32: they cost no time, and norms and biases need their digits. */
const LEAST_SIZE = 1024;

/** Whether a weight of this shape may be narrow. */
export function mayBeNarrow(shape: readonly number[]): boolean {
  return shape.length >= 2 && elementCount(shape) >= LEAST_SIZE;
}

/**
 * How a weight is packed under a storage; undefined if it stays as it is. An axis of odd extent has
 * no INT4 and gets INT8.
 */
export function packingOf(
  storage: NarrowStorage,
  name: string,
  shape: readonly number[],
  axisOf: MatrixAxis = () => undefined,
): PackOptions | undefined {
  if (!mayBeNarrow(shape)) return undefined;
  if (storage === 'bf16') return { format: 'BF16' };
  const axis = storage === 'f16' || shape.length !== 2 ? undefined : axisOf(name);
  if (axis === undefined) return { format: 'F16' };
  if (storage === 'int8' || (shape[axis] as number) % 2 !== 0) return { format: 'INT8', axis };
  return { format: 'INT4', axis, group: storage === 'int4' ? 32 : 64 };
}
