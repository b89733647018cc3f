import { ConfigError, didYouMean } from '../errors.js';
import { checkRaster, checkSize, type PictureSize, type Raster } from './raster.js';

/** How `resize` weighs the pixels around a place; x is in pixels from it. */
interface Filter {
  /** The distance from which on the weight is 0. */
  readonly support: number;
  readonly weight: (x: number) => number;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

/** Keys' cubic with a = −½. */
function cubic(distance: number): number {
  const a = -0.5;
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

/** Hamming's constants as Pillow has them, in float32, which shows in the 22nd bit of a weight. */
const HAMMING_MEAN = Math.fround(0.54);
const HAMMING_SWING = Math.fround(0.46);

const FILTERS = {
  box: { support: 0.5, weight: (x: number) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x: number) => Math.max(0, 1 - Math.abs(x)) },
  hamming: {
    support: 1,
    weight: (x: number) =>
      Math.abs(x) < 1 ? sinc(x) * (HAMMING_MEAN + HAMMING_SWING * Math.cos(x * Math.PI)) : 0,
  },
  bicubic: { support: 2, weight: cubic },
  lanczos: { support: 3, weight: (x: number) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
} as const satisfies Record<string, Filter>;

/** Filters of `resize`, by Pillow's names in lower case. */
export type ResizeFilter = keyof typeof FILTERS | 'nearest';

/**
 * All filters, in the order of Pillow's numbers: NEAREST 0, LANCZOS 1, BILINEAR 2, BICUBIC 3, BOX
 * 4, HAMMING 5.
 */
export const RESIZE_FILTERS: readonly ResizeFilter[] = [
  'nearest',
  'lanczos',
  'bilinear',
  'bicubic',
  'box',
  'hamming',
];

/**
 * The bits behind the point of a weight for bytes: 32, minus 8 for the byte and 2 for the sign and
 * for sums beyond 1.
 */
const PRECISION_BITS = 22;

/**
 * Resizes a picture as Pillow's Image.resize does, bit for bit for bytes.
 *
 * A filter's support grows with the factor by which the picture shrinks, so every pixel counts.
 * Width comes first, then height. Between the two, bytes are rounded and clipped, and floats
 * (summed in float64) are rounded to float32. An axis of unchanged size is left alone. Bytes may
 * have any number of channels. Alpha is a channel like any other; Pillow multiplies it in before.
 *
 * Pillow 13 takes height first where a picture shrinks much more in height than in width, which
 * gives another result. Every Pillow before works as this does.
 *
 * Throws ShapeError for an impossible size, and ConfigError for an unknown filter. Source: Pillow,
 * `src/libImaging/Resample.c`.
 */
export function resize<A extends Uint8Array | Float32Array>(
  picture: Raster<A>,
  size: PictureSize,
  filter: ResizeFilter,
): Raster<A> {
  checkRaster(picture, 'resize');
  checkSize(size, 'resize');
  if (filter === 'nearest') return nearest(picture, size);
  const chosen = Object.hasOwn(FILTERS, filter) ? FILTERS[filter] : undefined;
  if (chosen === undefined) {
    throw new ConfigError(
      `resize: expected a filter of ${RESIZE_FILTERS.join(', ')}, got ${JSON.stringify(filter)}.${didYouMean(String(filter), RESIZE_FILTERS)}`,
    );
  }
  const { width, height } = size;
  const wide =
    width === picture.width ? picture : alongRows(picture, weightsOf(picture.width, width, chosen));
  return height === picture.height ? wide : alongColumns(wide, weightsOf(picture.height, height, chosen));
}

/** The input places that an output place is made of, and their weights, which sum to 1. */
interface Weights {
  /** The first input place of each output place. */
  readonly first: Int32Array;
  /** The number of input places of each output place. */
  readonly count: Int32Array;
  /** Weight `k` of output place `i`, at i·stride + k. */
  readonly weights: Float64Array;
  readonly stride: number;
}

function weightsOf(inputs: number, outputs: number, { support, weight }: Filter): Weights {
  const scale = inputs / outputs;
  const stretch = Math.max(1, scale);
  const reach = support * stretch;
  const inverse = 1 / stretch;
  const stride = Math.ceil(reach) * 2 + 1;
  const first = new Int32Array(outputs);
  const count = new Int32Array(outputs);
  const weights = new Float64Array(outputs * stride);
  for (let i = 0; i < outputs; i++) {
    const centre = (i + 0.5) * scale;
    const begin = Math.max(0, Math.trunc(centre - reach + 0.5));
    const end = Math.min(inputs, Math.trunc(centre + reach + 0.5));
    let sum = 0;
    for (let k = 0; k < end - begin; k++) {
      const w = weight((k + begin - centre + 0.5) * inverse);
      weights[i * stride + k] = w;
      sum += w;
    }
    if (sum !== 0) {
      for (let k = 0; k < end - begin; k++)
        weights[i * stride + k] = (weights[i * stride + k] as number) / sum;
    }
    first[i] = begin;
    count[i] = end - begin;
  }
  return { first, count, weights, stride };
}

/** Weights as whole multiples of 2^−22, halves rounded away from 0. */
function fixedPoint(weights: Float64Array): Int32Array {
  return Int32Array.from(weights, (w) => Math.trunc(w * 2 ** PRECISION_BITS + (w < 0 ? -0.5 : 0.5)));
}

function alongRows<A extends Uint8Array | Float32Array>(picture: Raster<A>, weights: Weights): Raster<A> {
  const { data, width, height, channels } = picture;
  const outputs = weights.first.length;
  const lines = { lines: height, line: width * channels, step: channels, items: channels, item: 1 };
  const result = { lineOut: outputs * channels, stepOut: channels };
  const out = newLike(data, height * outputs * channels);
  combine(data, out, weights, { ...lines, ...result });
  return { data: out, width: outputs, height, channels };
}

function alongColumns<A extends Uint8Array | Float32Array>(picture: Raster<A>, weights: Weights): Raster<A> {
  const { data, width, height, channels } = picture;
  const outputs = weights.first.length;
  const row = width * channels;
  const out = newLike(data, outputs * row);
  const walk = { lines: 1, line: height * row, step: row, items: row, item: 1 };
  combine(data, out, weights, { ...walk, lineOut: outputs * row, stepOut: row });
  return { data: out, width, height: outputs, channels };
}

/**
 * How `combine` walks: over `lines` lines, in each over places `step` apart, and at each place over
 * `items` neighbours that are combined alike.
 */
interface Walk {
  readonly lines: number;
  readonly line: number;
  readonly step: number;
  readonly items: number;
  readonly lineOut: number;
  readonly stepOut: number;
}

function combine(
  data: Uint8Array | Float32Array,
  out: Uint8Array | Float32Array,
  weights: Weights,
  walk: Walk,
): void {
  if (data instanceof Uint8Array) combineBytes(data, out as Uint8Array, weights, walk);
  else combineFloats(data, out as Float32Array, weights, walk);
}

function combineBytes(
  data: Uint8Array,
  out: Uint8Array,
  { first, count, weights, stride }: Weights,
  walk: Walk,
): void {
  const { lines, line, step, items, lineOut, stepOut } = walk;
  const fixed = fixedPoint(weights);
  const sums = new Int32Array(items);
  for (let l = 0; l < lines; l++) {
    for (let i = 0; i < first.length; i++) {
      sums.fill(1 << (PRECISION_BITS - 1));
      const from = l * line + (first[i] as number) * step;
      for (let k = 0; k < (count[i] as number); k++) {
        const w = fixed[i * stride + k] as number;
        const at = from + k * step;
        for (let c = 0; c < items; c++) sums[c] = (sums[c] as number) + (data[at + c] as number) * w;
      }
      const to = l * lineOut + i * stepOut;
      for (let c = 0; c < items; c++) {
        const value = (sums[c] as number) >> PRECISION_BITS;
        out[to + c] = Math.min(255, Math.max(0, value));
      }
    }
  }
}

function combineFloats(
  data: Float32Array,
  out: Float32Array,
  { first, count, weights, stride }: Weights,
  walk: Walk,
): void {
  const { lines, line, step, items, lineOut, stepOut } = walk;
  const sums = new Float64Array(items);
  for (let l = 0; l < lines; l++) {
    for (let i = 0; i < first.length; i++) {
      sums.fill(0);
      const from = l * line + (first[i] as number) * step;
      for (let k = 0; k < (count[i] as number); k++) {
        const w = weights[i * stride + k] as number;
        const at = from + k * step;
        for (let c = 0; c < items; c++) sums[c] = (sums[c] as number) + (data[at + c] as number) * w;
      }
      out.set(sums, l * lineOut + i * stepOut);
    }
  }
}

/**
 * The pixel under the middle of each new one. Places are summed up step by step, as Pillow does,
 * rounding included.
 */
function nearest<A extends Uint8Array | Float32Array>(picture: Raster<A>, size: PictureSize): Raster<A> {
  const { data, channels } = picture;
  const columns = nearestPlaces(picture.width, size.width);
  const rows = nearestPlaces(picture.height, size.height);
  const out = newLike(data, size.width * size.height * channels);
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      const from = ((rows[y] as number) * picture.width + (columns[x] as number)) * channels;
      const to = (y * size.width + x) * channels;
      for (let c = 0; c < channels; c++) out[to + c] = data[from + c] as number;
    }
  }
  return { data: out, width: size.width, height: size.height, channels };
}

function nearestPlaces(inputs: number, outputs: number): Int32Array {
  const scale = inputs / outputs;
  const places = new Int32Array(outputs);
  let place = scale * 0.5;
  for (let i = 0; i < outputs; i++) {
    places[i] = Math.min(inputs - 1, Math.trunc(place));
    place += scale;
  }
  return places;
}

function newLike<A extends Uint8Array | Float32Array>(data: A, length: number): A {
  return (data instanceof Uint8Array ? new Uint8Array(length) : new Float32Array(length)) as A;
}
