import { ConfigError, ShapeError } from '../errors.js';
import { drawCount, randomBits } from './bits.js';
import { gumbel, gumbelRow, uniform } from './distributions.js';
import { split } from './key.js';
import type { Key, StreamOptions } from './threefry.js';

// As in distributions.ts, draws are flat, in row-major order, and equal to jax.random's. Source:
// jax/_src/random.py.

const { fround } = Math;

/** How `categorical` reads its logits. */
export interface CategoricalOptions extends StreamOptions {
  /** The axis of the classes (default the last). */
  readonly axis?: number;
  /**
   * The shape of the result, to which the other axes are broadcast. Further axes may stand before
   * them. By default these axes are the shape.
   */
  readonly drawShape?: readonly number[] | undefined;
}

/**
 * A class for each place of the other axes, drawn with the probability that softmax over the axis
 * gives: the class with the largest logits + gumbel noise, the first of equals. logits holds flat
 * numbers of the shape; for a batch that is [rows, V]. −Infinity is never drawn while another is
 * finite. Throws ShapeError if sizes or shapes do not fit.
 */
export function categorical(
  key: Key,
  logits: Float32Array,
  shape: readonly number[],
  { axis = -1, drawShape, partitionable }: CategoricalOptions = {},
): Int32Array {
  const at = axis < 0 ? axis + shape.length : axis;
  const classes = shape[at] ?? 0;
  if (logits.length !== drawCount(shape) || classes < 1) {
    throw new ShapeError(
      `categorical: expected logits of [${shape}] with classes on axis ${axis}, got ${logits.length} numbers.`,
    );
  }
  const rest = shape.filter((_, i) => i !== at);
  const drawn = drawShape ?? rest;
  const before = drawn.length - rest.length;
  const fits = before >= 0 && rest.every((extent, i) => extent === 1 || extent === drawn[before + i]);
  if (!fits)
    throw new ShapeError(`categorical: logits of [${shape}] do not broadcast to draws of [${drawn}].`);

  // The noise has the draws' shape, with the axis of the classes put back in its place.
  const noiseShape = [...drawn.slice(0, before + at), classes, ...drawn.slice(before + at)];
  const noise = gumbel(key, noiseShape, { partitionable });
  const inner = drawCount(drawn.slice(before + at));
  const read = broadcastReader(shape, noiseShape);
  return Int32Array.from({ length: drawCount(drawn) }, (_, place) => {
    const first = Math.floor(place / inner) * classes * inner + (place % inner);
    let best = Number.NEGATIVE_INFINITY;
    let chosen = 0;
    for (let c = 0; c < classes; c++) {
      const i = first + c * inner;
      const score = fround((logits[read(i)] as number) + (noise[i] as number));
      if (score > best) {
        best = score;
        chosen = c;
      }
    }
    return chosen;
  });
}

/**
 * What categorical(key, logits of [rows, V]) draws for row `row`, from that row's logits alone. So
 * the numbers of one draw can be taken at different times. logits is [V].
 */
export function categoricalRow(
  key: Key,
  logits: Float32Array,
  row: number,
  rows: number,
  options: StreamOptions = {},
): number {
  if (!(Number.isInteger(row) && row >= 0 && row < rows && Number.isInteger(rows)) || logits.length === 0) {
    throw new ShapeError(
      `categoricalRow: expected a row from 0 to ${rows - 1} and logits of it, got row ${row} and ${logits.length} numbers.`,
    );
  }
  const classes = logits.length;
  const noise = rows === 1 ? gumbel(key, [classes], options) : gumbelRow(key, classes, row, rows, options);
  let best = Number.NEGATIVE_INFINITY;
  let chosen = 0;
  for (let c = 0; c < classes; c++) {
    const score = fround((logits[c] as number) + (noise[c] as number));
    if (score > best) {
      best = score;
      chosen = c;
    }
  }
  return chosen;
}

/**
 * For a flat index of `shape`, the index that it reads in an array of shape `from`, which
 * broadcasts to `shape`.
 */
function broadcastReader(from: readonly number[], shape: readonly number[]): (index: number) => number {
  const before = shape.length - from.length;
  if (before === 0 && from.every((extent, i) => extent === shape[i])) return (index) => index;
  return (index) => {
    let [rest, place, stride] = [index, 0, 1];
    for (let axis = shape.length - 1; axis >= before; axis--) {
      const extent = shape[axis] as number;
      const own = from[axis - before] as number;
      if (own !== 1) place += (rest % extent) * stride;
      stride *= own;
      rest = Math.floor(rest / extent);
    }
    return place;
  };
}

/**
 * The types of whole numbers that randint draws, with their arrays and least and largest values.
 */
const INTEGERS = {
  int32: { array: Int32Array, bits: 32, least: -(2 ** 31), most: 2 ** 31 - 1 },
  uint32: { array: Uint32Array, bits: 32, least: 0, most: 2 ** 32 - 1 },
  int16: { array: Int16Array, bits: 16, least: -(2 ** 15), most: 2 ** 15 - 1 },
  uint16: { array: Uint16Array, bits: 16, least: 0, most: 2 ** 16 - 1 },
  int8: { array: Int8Array, bits: 8, least: -128, most: 127 },
  uint8: { array: Uint8Array, bits: 8, least: 0, most: 255 },
} as const;

/** A type of whole numbers. */
export type IntegerType = keyof typeof INTEGERS;

/** How `randint` draws. */
export interface IntegerOptions<T extends IntegerType = 'int32'> extends StreamOptions {
  /** Default int32. Narrower numbers are drawn from narrower words. */
  readonly dtype?: T | undefined;
}

type IntegerArray<T extends IntegerType> = InstanceType<(typeof INTEGERS)[T]['array']>;

/**
 * Whole numbers from minval (inclusive) to maxval, nearly uniform. maxval is exclusive, and may be
 * one more than the largest number. Where maxval is not larger, all are minval. Throws ConfigError
 * for bounds that the type does not have.
 */
export function randint<T extends IntegerType = 'int32'>(
  key: Key,
  shape: readonly number[],
  minval: number,
  maxval: number,
  options: IntegerOptions<T> = {},
): IntegerArray<T> {
  const dtype = options.dtype ?? 'int32';
  const { array, bits, least, most } = INTEGERS[dtype];
  const whole = Number.isInteger(minval) && Number.isInteger(maxval);
  if (!whole || minval < least || minval > most || maxval < least || maxval > most + 1) {
    throw new ConfigError(`randint: expected ${dtype} bounds, got ${minval} and ${maxval}.`);
  }
  const n = drawCount(shape);
  const [highKey, lowKey] = split(key, 2, options) as [Key, Key];
  const [high, low] = [randomBits(highKey, n, bits, options), randomBits(lowKey, n, bits, options)];
  const span = maxval > minval ? maxval - minval : 1; // up to 2^bits, where every word is in range
  const modulus = 2 ** bits;
  const wrapped = (a: number, b: number): number => (bits === 32 ? Math.imul(a, b) >>> 0 : (a * b) % modulus);
  const half = 2 ** (bits / 2) % span;
  const multiplier = wrapped(half, half) % span;
  const values = new array(n);
  for (let i = 0; i < n; i++) {
    const folded = wrapped((high[i] as number) % span, multiplier);
    values[i] = minval + (((folded + ((low[i] as number) % span)) % modulus) % span);
  }
  return values as IntegerArray<T>;
}

/**
 * 0 … n−1 in random order. They are sorted by random words, as often as makes equal words harmless.
 */
export function permutation(key: Key, n: number, options: StreamOptions = {}): Int32Array {
  return shuffled(
    key,
    Int32Array.from({ length: drawCount([n]) }, (_, i) => i),
    [n],
    0,
    options,
  );
}

/** How `permuted` moves an array. */
export interface PermutedOptions extends StreamOptions {
  /** The axis that is shuffled (default 0). */
  readonly axis?: number;
  /**
   * Whether each line along the axis has an order of its own. By default (false) whole slices move.
   */
  readonly independent?: boolean;
}

/**
 * The numbers of an array of a shape, in random order along an axis. Throws ShapeError if sizes do
 * not fit.
 */
export function permuted(
  key: Key,
  values: Int32Array,
  shape: readonly number[],
  { axis = 0, independent = false, partitionable }: PermutedOptions = {},
): Int32Array {
  const at = axis < 0 ? axis + shape.length : axis;
  const extent = shape[at];
  if (values.length !== drawCount(shape) || extent === undefined) {
    throw new ShapeError(
      `permuted: expected numbers of [${shape}] and an axis of it, got ${values.length} and ${axis}.`,
    );
  }
  if (independent || shape.length === 1) return shuffled(key, values, shape, at, { partitionable });
  const order = permutation(key, extent, { partitionable });
  const inner = drawCount(shape.slice(at + 1));
  return values.map((_, i) => {
    const outer = Math.floor(i / (inner * extent));
    const place = order[Math.floor(i / inner) % extent] as number;
    return values[(outer * extent + place) * inner + (i % inner)] as number;
  });
}

/** How `choice` draws. */
export interface ChoiceOptions extends StreamOptions {
  /** Whether a number may come twice (default true). */
  readonly replace?: boolean;
  /** The probability of each number, float32. By default all are equal. */
  readonly p?: Float32Array | undefined;
}

/**
 * Numbers of 0 … n−1. Throws ConfigError if more are drawn than there are without `replace`, or if
 * p has another size.
 */
export function choice(
  key: Key,
  n: number,
  shape: readonly number[],
  { replace = true, p, partitionable }: ChoiceOptions = {},
): Int32Array {
  const draws = drawCount(shape);
  if (draws > 0 && (n < 1 || (!replace && draws > n))) {
    throw new ConfigError(`choice: expected at most ${n} draws without replacement, got [${shape}].`);
  }
  if (p && p.length !== n) {
    throw new ConfigError(`choice: expected ${n} probabilities, got ${p.length}.`);
  }
  if (!p) {
    return replace
      ? randint(key, shape, 0, n, { partitionable })
      : permutation(key, n, { partitionable }).slice(0, draws);
  }
  if (!replace) {
    // The draws with the largest gumbel noise + ln p come first.
    const noise = gumbel(key, [n], { partitionable });
    const scores = Float32Array.from(p, (share, i) => -(noise[i] as number) - fround(Math.log(share)));
    const order = Array.from(scores.keys()).sort(
      (a, b) => (scores[a] as number) - (scores[b] as number) || a - b,
    );
    return Int32Array.from(order.slice(0, draws));
  }
  let sum = 0;
  const sums = p.map((share) => {
    sum = fround(sum + share);
    return sum;
  });
  return Int32Array.from(uniform(key, shape, { partitionable }), (draw) => {
    const target = fround(sum * fround(1 - draw));
    const found = sums.findIndex((bound) => bound >= target);
    return found < 0 ? n : found;
  });
}

/**
 * Sorts each line along the axis by random words. The size of the whole array decides the number of
 * rounds.
 */
function shuffled(
  key: Key,
  values: Int32Array,
  shape: readonly number[],
  axis: number,
  options: StreamOptions,
): Int32Array {
  const extent = shape[axis] as number;
  const inner = drawCount(shape.slice(axis + 1));
  const rounds = Math.ceil((3 * Math.log(Math.max(1, values.length))) / Math.log(2 ** 32 - 1));
  let next = key;
  let moved = values;
  for (let round = 0; round < rounds; round++) {
    const [rest, sortKey] = split(next, 2, options) as [Key, Key];
    const words = randomBits(sortKey, values.length, 32, options);
    next = rest;
    if (extent === values.length) {
      moved = sortedBy(words, moved);
      continue;
    }
    const result = new Int32Array(values.length);
    for (let line = 0; line < values.length / extent; line++) {
      const first = Math.floor(line / inner) * extent * inner + (line % inner);
      const place = (i: number): number => first + i * inner;
      const lineWords = Uint32Array.from({ length: extent }, (_, i) => words[place(i)] as number);
      const lineValues = Int32Array.from({ length: extent }, (_, i) => moved[place(i)] as number);
      for (const [i, value] of sortedBy(lineWords, lineValues).entries()) result[place(i)] = value;
    }
    moved = result;
  }
  return moved;
}

/**
 * `values` in ascending order of their words. Equal words keep their order. It is a radix sort of
 * two 16-bit digits.
 */
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
