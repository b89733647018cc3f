import { ConfigError } from '../errors.js';
import { drawCount, randomBits, randomWordsPart } from './bits.js';
import { FLOAT_FORMATS, type FloatFormat, type FloatType } from './float-formats.js';
import { erf, erfInv, nextAfter } from './float32.js';
import type { Key, StreamOptions } from './threefry.js';

// All draws are flat, in row-major order of the shape. They equal those of jax.random with the same
// key (jax 0.4.13, threefry). Source: jax/_src/random.py.

const { fround } = Math;
const SMALLEST_NORMAL = 2 ** -126;
const SQRT2 = fround(Math.SQRT2);

/** How numbers are drawn. */
export interface FloatOptions extends StreamOptions {
  /**
   * The type that jax would draw in (default float32). Results are float32 arrays of numbers that
   * this type has.
   */
  readonly dtype?: FloatType | undefined;
}

/** Bounds of a uniform draw. minval is inclusive (default 0), maxval exclusive (default 1). */
export interface UniformBounds extends FloatOptions {
  readonly minval?: number;
  readonly maxval?: number;
}

/** Uniform numbers of 23 random bits each; 10 bits as float16, 7 as bfloat16. */
export function uniform(key: Key, shape: readonly number[], options: UniformBounds = {}): Float32Array {
  const { minval = 0, maxval = 1, dtype = 'float32' } = options;
  const n = drawCount(shape);
  return dtype === 'float32'
    ? uniformFloat32(randomBits(key, n, 32, options), minval, maxval)
    : uniformNarrow(key, n, FLOAT_FORMATS[dtype], minval, maxval, options);
}

function uniformFloat32(words: Uint32Array, minval: number, maxval: number): Float32Array {
  const least = fround(minval);
  const span = fround(fround(maxval) - least);
  // The high 23 bits become a fraction of [1, 2). It is scaled and shifted exactly in float64, and
  // rounded once.
  for (let i = 0; i < words.length; i++) words[i] = ((words[i] as number) >>> 9) | 0x3f800000;
  const values = new Float32Array(words.buffer, words.byteOffset, words.length);
  for (let i = 0; i < values.length; i++) {
    values[i] = Math.max(least, fround(((values[i] as number) - 1) * span + least));
  }
  return values;
}

/** The same with a type's own significand. Every step is rounded to the type. */
function uniformNarrow(
  key: Key,
  n: number,
  { mantissaBits, wordBits, round }: FloatFormat,
  minval: number,
  maxval: number,
  options: StreamOptions,
): Float32Array {
  const least = round(minval);
  const span = round(round(maxval) - least);
  const words = randomBits(key, n, wordBits, options);
  return Float32Array.from(words, (word) => {
    const fraction = (word >>> (wordBits - mantissaBits)) / 2 ** mantissaBits;
    return Math.max(least, round(round(fraction * span) + least));
  });
}

/** Standard normal numbers: √2·erfInv(u), with u uniform in (−1, 1). */
export function normal(key: Key, shape: readonly number[], options: FloatOptions = {}): Float32Array {
  const { dtype = 'float32' } = options;
  const { round, belowOne } = FLOAT_FORMATS[dtype];
  const values = uniform(key, shape, { ...options, minval: -belowOne, maxval: 1 });
  if (dtype === 'float32') {
    for (let i = 0; i < values.length; i++) values[i] = SQRT2 * erfInv(values[i] as number);
    return values;
  }
  const factor = round(Math.SQRT2);
  return values.map((value) => round(factor * round(erfInv(value))));
}

/**
 * Standard normal float32 numbers between lower and upper, both exclusive. Throws ConfigError
 * unless lower < upper.
 */
export function truncatedNormal(
  key: Key,
  lower: number,
  upper: number,
  shape: readonly number[],
  options: StreamOptions = {},
): Float32Array {
  if (!(lower < upper)) {
    throw new ConfigError(`truncatedNormal: expected lower below upper, got ${lower} and ${upper}.`);
  }
  const [from, to] = [fround(lower), fround(upper)];
  const { partitionable } = options;
  const values = uniform(key, shape, {
    partitionable,
    minval: erf(fround(from / SQRT2)),
    maxval: erf(fround(to / SQRT2)),
  });
  const least = from === 0 ? SMALLEST_NORMAL : nextAfter(from, Number.POSITIVE_INFINITY);
  const most = to === 0 ? -SMALLEST_NORMAL : nextAfter(to, Number.NEGATIVE_INFINITY);
  for (let i = 0; i < values.length; i++) {
    values[i] = Math.min(most, Math.max(least, fround(SQRT2 * erfInv(values[i] as number))));
  }
  return values;
}

/**
 * Numbers of the standard Gumbel distribution: −ln(−ln u), with u uniform in [0, 1) but at least
 * the smallest normal number. (jax asks for draws from that number to 1. Adding it would show in
 * float16 alone, and there XLA does not add it.)
 */
export function gumbel(key: Key, shape: readonly number[], options: FloatOptions = {}): Float32Array {
  const { round, smallestNormal } = FLOAT_FORMATS[options.dtype ?? 'float32'];
  return gumbelOfUniform(uniform(key, shape, options), round, smallestNormal);
}

/** Row `row` of gumbel(key, [rows, n]). The other rows are not drawn. */
export function gumbelRow(
  key: Key,
  n: number,
  row: number,
  rows: number,
  options: StreamOptions = {},
): Float32Array {
  const words = randomWordsPart(key, rows * n, row * n, n, options);
  return gumbelOfUniform(uniformFloat32(words, 0, 1), fround, FLOAT_FORMATS.float32.smallestNormal);
}

/** −ln(−ln u) in place. */
function gumbelOfUniform(
  values: Float32Array,
  round: (x: number) => number,
  smallestNormal: number,
): Float32Array {
  for (let i = 0; i < values.length; i++) {
    values[i] = round(-Math.log(round(-Math.log(Math.max(smallestNormal, values[i] as number)))));
  }
  return values;
}

/** Float32 numbers of the exponential distribution of mean 1: −ln(1 − u). */
export function exponential(key: Key, shape: readonly number[], options: StreamOptions = {}): Float32Array {
  const values = uniform(key, shape, { partitionable: options.partitionable });
  for (let i = 0; i < values.length; i++) values[i] = -Math.log1p(-(values[i] as number));
  return values;
}

/** 1 with probability p, else 0. */
export function bernoulli(
  key: Key,
  p: number,
  shape: readonly number[],
  options: StreamOptions = {},
): Uint8Array {
  const probability = fround(p);
  const draws = uniform(key, shape, { partitionable: options.partitionable });
  return Uint8Array.from(draws, (draw) => (draw < probability ? 1 : 0));
}
