import { ConfigError, ShapeError } from '../errors.js';
import { erf, erfInv, nextAfter } from './float32.js';
import { split } from './key.js';
import { type Key, threefryStream } from './threefry.js';

// All draws are flat, in row-major order of the shape, and equal those of jax.random with the same key (jax 0.4.13, threefry,
// jax_threefry_partitionable off). Source: jax/_src/random.py.

const { fround } = Math;
const SMALLEST_NORMAL = 2 ** -126;
const SQRT2 = fround(Math.SQRT2);

function count(shape: readonly number[]): number {
  const size = shape.reduce((product, extent) => product * extent, 1);
  if (!Number.isSafeInteger(size) || size < 0)
    throw new ShapeError(`random: expected a shape, got [${shape}].`);
  return size;
}

/** Arrays that randomBits fills, by width. */
interface BitArrays {
  8: Uint8Array;
  16: Uint16Array;
  32: Uint32Array;
  64: BigUint64Array;
}

/**
 * n unsigned integers of 8, 16, 32 or 64 random bits. Each 32-bit word gives four or two narrow values, lowest bits first; of the
 * wide ones the high words are the stream's first half, the low words its second.
 */
export function randomBits<B extends keyof BitArrays = 32>(
  key: Key,
  n: number,
  bits: B = 32 as B,
): BitArrays[B] {
  const words = threefryStream(key, Math.ceil((n * bits) / 32));
  if (bits === 8) return new Uint8Array(words.buffer, 0, n) as BitArrays[B];
  if (bits === 16) return new Uint16Array(words.buffer, 0, n) as BitArrays[B];
  if (bits === 32) return words as BitArrays[B];
  const pairs = new Uint32Array(2 * n);
  for (let i = 0; i < n; i++) {
    pairs[2 * i] = words[n + i] as number;
    pairs[2 * i + 1] = words[i] as number;
  }
  return new BigUint64Array(pairs.buffer) as BitArrays[B];
}

/** Bounds of a uniform draw: minval inclusive (default 0), maxval exclusive (default 1). */
export interface UniformBounds {
  readonly minval?: number;
  readonly maxval?: number;
}

/** Uniform float32 numbers of 23 random bits each. */
export function uniform(key: Key, shape: readonly number[], bounds: UniformBounds = {}): Float32Array {
  const minval = fround(bounds.minval ?? 0);
  const span = fround(fround(bounds.maxval ?? 1) - minval);
  const words = threefryStream(key, count(shape));
  // The high 23 bits become a fraction of [1, 2); scaled and shifted exactly in float64, rounded once.
  for (let i = 0; i < words.length; i++) words[i] = ((words[i] as number) >>> 9) | 0x3f800000;
  const values = new Float32Array(words.buffer, 0, words.length);
  for (let i = 0; i < values.length; i++) {
    values[i] = Math.max(minval, fround(((values[i] as number) - 1) * span + minval));
  }
  return values;
}

/** Standard normal float32 numbers: √2·erfInv(u), u uniform in (−1, 1). */
export function normal(key: Key, shape: readonly number[]): Float32Array {
  const values = uniform(key, shape, { minval: nextAfter(-1, 0), maxval: 1 });
  for (let i = 0; i < values.length; i++) values[i] = SQRT2 * erfInv(values[i] as number);
  return values;
}

/** Standard normal float32 numbers between lower and upper, both exclusive. Throws ConfigError unless lower < upper. */
export function truncatedNormal(
  key: Key,
  lower: number,
  upper: number,
  shape: readonly number[],
): Float32Array {
  if (!(lower < upper)) {
    throw new ConfigError(`truncatedNormal: expected lower below upper, got ${lower} and ${upper}.`);
  }
  const [from, to] = [fround(lower), fround(upper)];
  const values = uniform(key, shape, { minval: erf(fround(from / SQRT2)), maxval: erf(fround(to / SQRT2)) });
  const least = from === 0 ? SMALLEST_NORMAL : nextAfter(from, Number.POSITIVE_INFINITY);
  const most = to === 0 ? -SMALLEST_NORMAL : nextAfter(to, Number.NEGATIVE_INFINITY);
  for (let i = 0; i < values.length; i++) {
    values[i] = Math.min(most, Math.max(least, fround(SQRT2 * erfInv(values[i] as number))));
  }
  return values;
}

/** Float32 numbers of the standard Gumbel distribution: −ln(−ln u). */
export function gumbel(key: Key, shape: readonly number[]): Float32Array {
  const values = uniform(key, shape, { minval: SMALLEST_NORMAL, maxval: 1 });
  for (let i = 0; i < values.length; i++) values[i] = -Math.log(fround(-Math.log(values[i] as number)));
  return values;
}

/** Float32 numbers of the exponential distribution of mean 1: −ln(1 − u). */
export function exponential(key: Key, shape: readonly number[]): Float32Array {
  const values = uniform(key, shape);
  for (let i = 0; i < values.length; i++) values[i] = -Math.log1p(-(values[i] as number));
  return values;
}

/** 1 with probability p, else 0. */
export function bernoulli(key: Key, p: number, shape: readonly number[]): Uint8Array {
  const probability = fround(p);
  return Uint8Array.from(uniform(key, shape), (draw) => (draw < probability ? 1 : 0));
}

/**
 * A column for each row, drawn with probability softmax(row): the largest of logits + gumbel noise, the first of equals.
 * logits: [rows, V] flat; −Infinity is never drawn while another is finite. Throws ShapeError if the sizes do not fit.
 */
export function categorical(key: Key, logits: Float32Array, shape: readonly [number, number]): Int32Array {
  const [rows, columns] = shape;
  if (logits.length !== rows * columns || columns < 1) {
    throw new ShapeError(`categorical: expected logits of [${shape}], got ${logits.length} numbers.`);
  }
  const noisy = gumbel(key, shape);
  const drawn = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    let best = Number.NEGATIVE_INFINITY;
    for (let column = 0; column < columns; column++) {
      const i = row * columns + column;
      const score = fround((logits[i] as number) + (noisy[i] as number));
      if (score > best) {
        best = score;
        drawn[row] = column;
      }
    }
  }
  return drawn;
}

/**
 * int32 numbers from minval (inclusive) to maxval (exclusive; 2³¹ is allowed), nearly uniform; minval where maxval is not larger.
 * Throws ConfigError for bounds that are no int32 integers.
 */
export function randint(key: Key, shape: readonly number[], minval: number, maxval: number): Int32Array {
  if ((minval | 0) !== minval || !Number.isInteger(maxval) || Math.abs(maxval) > 2 ** 31) {
    throw new ConfigError(`randint: expected int32 bounds, got ${minval} and ${maxval}.`);
  }
  const n = count(shape);
  const [highKey, lowKey] = split(key) as [Key, Key];
  const [high, low] = [threefryStream(highKey, n), threefryStream(lowKey, n)];
  const span = maxval > minval ? maxval - minval : 1; // up to 2³², where every word is in range
  const half = 2 ** 16 % span;
  const multiplier = (Math.imul(half, half) >>> 0) % span;
  const values = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    const folded = Math.imul((high[i] as number) % span, multiplier) >>> 0;
    values[i] = minval + (((folded + ((low[i] as number) % span)) >>> 0) % span);
  }
  return values;
}

/** 0 … n−1 in random order, by sorting on random words as often as makes equal words harmless. */
export function permutation(key: Key, n: number): Int32Array {
  let order = Int32Array.from({ length: count([n]) }, (_, i) => i);
  const rounds = Math.ceil((3 * Math.log(Math.max(1, n))) / Math.log(2 ** 32 - 1));
  let next = key;
  for (let round = 0; round < rounds; round++) {
    const [rest, sortKey] = split(next) as [Key, Key];
    order = sortedBy(threefryStream(sortKey, n), order);
    next = rest;
  }
  return order;
}

/** values in ascending order of their words; equal words keep their order. A radix sort of two 16-bit digits. */
function sortedBy(words: Uint32Array, values: Int32Array): Int32Array<ArrayBuffer> {
  let [keys, sorted] = [words, new Int32Array(values)];
  for (const shift of [0, 16]) {
    const starts = new Uint32Array(65537);
    for (const word of keys) {
      const next = ((word >>> shift) & 0xffff) + 1;
      starts[next] = (starts[next] as number) + 1;
    }
    for (let digit = 0; digit < 65536; digit++) {
      starts[digit + 1] = (starts[digit + 1] as number) + (starts[digit] as number);
    }
    const [movedKeys, moved] = [new Uint32Array(keys.length), new Int32Array(keys.length)];
    for (let i = 0; i < keys.length; i++) {
      const word = keys[i] as number;
      const digit = (word >>> shift) & 0xffff;
      const place = starts[digit] as number;
      starts[digit] = place + 1;
      movedKeys[place] = word;
      moved[place] = sorted[i] as number;
    }
    [keys, sorted] = [movedKeys, moved];
  }
  return sorted;
}
