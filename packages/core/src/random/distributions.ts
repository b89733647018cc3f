import type { Key } from './threefry.js';
import { threefryStream } from './threefry.js';

/** Number of elements of a shape. */
function count(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Bounds of a uniform draw: minval inclusive (default 0), maxval exclusive (default 1). */
export interface UniformBounds {
  readonly minval?: number;
  readonly maxval?: number;
}

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/**
 * Uniform float32 numbers, flat in row-major order, from 23 random bits each: bits → [1, 2) − 1, scaled, rounded once.
 * Source: jax/_src/random.py, `_uniform`.
 */
export function uniform(key: Key, shape: readonly number[], bounds: UniformBounds = {}): Float32Array {
  const minval = Math.fround(bounds.minval ?? 0);
  const span = Math.fround(Math.fround(bounds.maxval ?? 1) - minval);
  const words = threefryStream(key, count(shape));
  const values = new Float32Array(words.length);
  for (let i = 0; i < words.length; i++) {
    word[0] = ((words[i] as number) >>> 9) | 0x3f800000;
    values[i] = Math.max(minval, Math.fround(((float[0] as number) - 1) * span + minval));
  }
  return values;
}
