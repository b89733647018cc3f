import { fromFloat32 } from 'safetensors-ts';
import { EaselError } from '../errors.js';
import { float16Values, LARGEST_FLOAT16, toFloat16, toFloat16Down, toFloat16Up } from './float16.js';
import {
  codeBytes,
  type PackedFormat,
  type PackedValues,
  type QuantizedFormat,
  scaleShape,
} from './packed-values.js';

/** How values are to be packed. */
export interface PackOptions {
  readonly format: PackedFormat;
  /** INT8 and INT4: the axis along which numbers share a scale (default 0). */
  readonly axis?: 0 | 1;
  /** INT4: 32 (default) or 64. */
  readonly group?: number;
}

/** The largest code of INT8. −128 is left out, so that both signs have the same codes. */
const LARGEST_INT8 = 127;
const LARGEST_INT4 = 15;

/**
 * The parts of a group's range that INT4 tries. A range that leaves out the outermost numbers has
 * smaller steps for all others.
 */
const INT4_RANGES = [1, 0.95, 0.9, 0.85, 0.8, 0.75];

/**
 * Packs float32 values, C order. F16 and BF16 round to nearest, ties to even.
 *
 * INT8: a scale is the largest magnitude / 127, rounded up to float16. Codes are the nearest.
 *
 * INT4: of several parts of a group's range the one is taken whose squared errors are least. Its
 * offset is the least number, its scale a fifteenth of the range, both as float16; codes are the
 * nearest.
 *
 * Throws EaselError for INT8 and INT4 of a number that is not finite or beyond what float16 scales
 * can say.
 */
export function pack(values: Float32Array, shape: readonly number[], options: PackOptions): PackedValues {
  const { format, axis = 0, group = 32 } = options;
  if (format === 'INT8') return packInt8(values, shape, axis);
  if (format === 'INT4') return packInt4(values, shape, axis, group);
  const words = fromFloat32(values, format);
  return { format, shape, codes: new Uint8Array(words.buffer, words.byteOffset, words.byteLength) };
}

/**
 * How the numbers that share scale i lie in an array: from `first(i)` on, `step` apart, `count(i)` of
 * them.
 */
function runsOf(shape: readonly number[], axis: 0 | 1, group: number) {
  const [rows, columns] = shape as [number, number];
  const [scaleRows, scaleColumns] = scaleShape(shape, axis, group);
  const extent = axis === 0 ? rows : columns;
  return {
    runs: scaleRows * scaleColumns,
    step: axis === 0 ? columns : 1,
    /** The place along `axis` at which run i begins. */
    begin: (i: number) => (axis === 0 ? Math.floor(i / columns) : i % scaleColumns) * group,
    first: (i: number) =>
      axis === 0
        ? Math.floor(i / columns) * group * columns + (i % columns)
        : Math.floor(i / scaleColumns) * columns + (i % scaleColumns) * group,
    count: (begin: number) => Math.min(group, extent - begin),
  };
}

function refuseBeyond(format: QuantizedFormat, value: number): never {
  const found = Number.isFinite(value)
    ? `${value}, and ${format} has float16 scales, which end at ${LARGEST_FLOAT16}`
    : `${value}`;
  throw new EaselError(
    `expected finite numbers to store as ${format}, found ${found}. Choose another dtype.`,
  );
}

function packInt8(values: Float32Array, shape: readonly number[], axis: 0 | 1): PackedValues {
  const [rows, columns] = shape as [number, number];
  const extent = Math.max(1, shape[axis] as number);
  const [scaleRows, scaleColumns] = scaleShape(shape, axis, extent);
  const most = new Float32Array(scaleRows * scaleColumns);
  for (let r = 0, i = 0; r < rows; r++)
    for (let c = 0; c < columns; c++, i++) {
      const size = Math.abs(values[i] as number);
      const place = axis === 0 ? c : r;
      if (!(size <= LARGEST_INT8 * LARGEST_FLOAT16)) refuseBeyond('INT8', values[i] as number);
      if (size > (most[place] as number)) most[place] = size;
    }
  const scales = toFloat16Up(most.map((size) => size / LARGEST_INT8));
  const numbers = float16Values();
  // A column of zeros has scale 0 and codes 0.
  const factors = Float64Array.from(scales, (bits) => (bits === 0 ? 0 : 1 / (numbers[bits] as number)));
  const codes = new Int8Array(codeBytes('INT8', shape));
  for (let r = 0, i = 0; r < rows; r++)
    for (let c = 0; c < columns; c++, i++)
      codes[i] = Math.round((values[i] as number) * (factors[axis === 0 ? c : r] as number));
  return { format: 'INT8', shape, axis, codes: new Uint8Array(codes.buffer), scales };
}

function packInt4(values: Float32Array, shape: readonly number[], axis: 0 | 1, group: number): PackedValues {
  const { runs, step, begin, first, count } = runsOf(shape, axis, group);
  const columns = shape[1] as number;
  const [least, most] = rangesOf(values, shape, axis, group);
  const numbers = float16Values();
  const [scales, offsets] = [new Uint16Array(runs), toFloat16(least)];
  const lowest = new Float64Array(runs).fill(Number.POSITIVE_INFINITY);
  const own = new Float64Array(group);
  for (const part of INT4_RANGES) {
    const cut = (1 - part) / 2;
    // An offset is at or below the part's least number, and the largest code reaches its end.
    const down = toFloat16Down(least.map((low, i) => low + cut * ((most[i] as number) - low)));
    const up = toFloat16Up(
      most.map((high, i) => {
        const end = high - cut * (high - (least[i] as number));
        return Math.max(0, end - (numbers[down[i] as number] as number)) / LARGEST_INT4;
      }),
    );
    for (let i = 0; i < runs; i++) {
      // Of a run of equal numbers the offset says all.
      if (least[i] === most[i]) continue;
      const [scale, offset] = [numbers[up[i] as number] as number, numbers[down[i] as number] as number];
      const from = first(i);
      const length = count(begin(i));
      for (let j = 0; j < length; j++) own[j] = values[from + j * step] as number;
      let error = 0;
      for (let j = 0; j < length; j++) {
        const value = own[j] as number;
        const difference = scale * nearestCode(value, scale, offset) + offset - value;
        error += difference * difference;
      }
      if (!(error < (lowest[i] as number))) continue;
      lowest[i] = error;
      scales[i] = up[i] as number;
      offsets[i] = down[i] as number;
    }
  }
  const codes = new Uint8Array(codeBytes('INT4', shape));
  for (let i = 0; i < runs; i++) {
    const [scale, offset] = [numbers[scales[i] as number] as number, numbers[offsets[i] as number] as number];
    const [from, place] = [first(i), begin(i)];
    const length = count(place);
    for (let j = 0; j < length; j++) {
      const at = from + j * step;
      const code = nearestCode(values[at] as number, scale, offset);
      const byte = axis === 0 ? ((place + j) >> 1) * columns + (i % columns) : at >> 1;
      codes[byte] = (codes[byte] as number) | ((place + j) % 2 === 0 ? code : code << 4);
    }
  }
  return { format: 'INT4', shape, axis, group, codes, scales, offsets };
}

/** The least and the greatest number of each run. */
function rangesOf(
  values: Float32Array,
  shape: readonly number[],
  axis: 0 | 1,
  group: number,
): [least: Float32Array, most: Float32Array] {
  const { runs, step, begin, first, count } = runsOf(shape, axis, group);
  const [least, most] = [new Float32Array(runs), new Float32Array(runs)];
  for (let i = 0; i < runs; i++) {
    const from = first(i);
    const end = from + count(begin(i)) * step;
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let at = from; at < end; at += step) {
      const value = values[at] as number;
      if (!(Math.abs(value) <= LARGEST_FLOAT16)) refuseBeyond('INT4', value);
      if (value < low) low = value;
      if (value > high) high = value;
    }
    least[i] = low;
    most[i] = high;
  }
  return [least, most];
}

/** The code, 0 … 15, whose number is nearest to `value`. */
function nearestCode(value: number, scale: number, offset: number): number {
  if (scale === 0) return 0;
  const code = Math.floor((value - offset) / scale + 0.5);
  return Math.max(0, Math.min(LARGEST_INT4, code));
}
