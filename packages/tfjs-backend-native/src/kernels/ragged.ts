import * as tf from '@tensorflow/tfjs';
import { isNativeDtype } from '../strided-copy.js';
import { type NativeKernel, nativeKernel, sizeOf } from './kernel.js';

/** How the elements of one level lie in rows of the level above. */
interface Level {
  /** For each element, its row. */
  readonly rows: readonly number[];
  /** For each element, its place in the row. */
  readonly columns: readonly number[];
}

const refuse = (message: string): Error => new Error(`RaggedTensorToTensor: ${message}`);

/**
 * Reads a level below `count` rows. `splits` has where each row begins, and the end; row ids name
 * the row of each element, equal ones side by side.
 */
function levelOf(type: string, values: Int32Array, count: number): Level {
  const [rows, columns]: [number[], number[]] = [[], []];
  if (type === 'ROW_SPLITS') {
    if (values.length - 1 > count)
      throw refuse(`expected ROW_SPLITS of at most ${count} rows, got ${values.length - 1}.`);
    if (values[0] !== 0) throw refuse(`expected ROW_SPLITS from 0, got [${values}].`);
    for (let row = 0; row + 1 < values.length; row++) {
      const length = (values[row + 1] as number) - (values[row] as number);
      if (length < 0) throw refuse(`expected ROW_SPLITS that do not fall, got [${values}].`);
      for (let column = 0; column < length; column++) {
        rows.push(row);
        columns.push(column);
      }
    }
    return { rows, columns };
  }
  if (type !== 'VALUE_ROWIDS') throw refuse(`expected ROW_SPLITS or VALUE_ROWIDS, got ${type}.`);
  for (const [i, row] of values.entries()) {
    if (!(row >= 0 && row < count))
      throw refuse(`expected VALUE_ROWIDS below ${count}, got ${row} at place ${i}.`);
    columns.push(row === values[i - 1] ? (columns[i - 1] as number) + 1 : 0);
    rows.push(row);
  }
  return { rows, columns };
}

/** The shape asked for, with −1 for what follows from the values. */
function shapeAsked(shape: readonly number[] | undefined, rank: number): number[] {
  if (shape === undefined) return Array.from({ length: rank }, () => -1);
  if (shape.length !== rank || !shape.every((extent) => extent >= -1))
    throw refuse(
      `the rows and the shape [${shape}] are incompatible: expected ${rank} extents, −1 where they follow.`,
    );
  return [...shape];
}

/**
 * Rows of different lengths as one tensor [rows, longest row, …, inner axes]: shorter rows are
 * filled with the default value, and what lies outside of a shape that is asked for is left out.
 * tfjs's kernel takes an extent for the index of an axis where it works out the inner shape, does
 * not know the fully unknown shape −1, and drops a default value that is not a number.
 *
 * Source: TensorFlow `core/kernels/ragged_tensor_to_tensor_op.cc`.
 */
const raggedTensorToTensor = nativeKernel(tf.RaggedTensorToTensor, ({ inputs, backend, attrs }) => {
  const { shape, values, defaultValue } = inputs as Record<
    'shape' | 'values' | 'defaultValue',
    tf.TensorInfo
  >;
  const partitions = (inputs as unknown as { rowPartitionTensors: tf.TensorInfo[] }).rowPartitionTensors;
  const types = attrs.rowPartitionTypes as string[];
  if (types.length === 0 || types.length !== partitions.length)
    throw refuse(`expected a type for each of ${partitions.length} row partitions, got [${types}].`);
  if (defaultValue.dtype !== values.dtype)
    throw refuse(`expected a default value of ${values.dtype}, got ${defaultValue.dtype}.`);
  const numbers = partitions.map((partition) => backend.int32(partition));
  const isCounted = types[0] === 'FIRST_DIM_SIZE';
  const [first] = numbers as [Int32Array];
  if (first.length === 0) throw refuse('expected a first row partition that is not empty.');
  const rowCount = isCounted ? (first[0] as number) : first.length - 1;
  if (!isCounted && types[0] !== 'ROW_SPLITS')
    throw refuse(`expected FIRST_DIM_SIZE or ROW_SPLITS first, got ${types[0]}.`);

  const levels: Level[] = [];
  for (let i = isCounted ? 1 : 0; i < types.length; i++)
    levels.push(
      levelOf(types[i] as string, numbers[i] as Int32Array, levels.at(-1)?.rows.length ?? rowCount),
    );
  const count = levels.at(-1)?.rows.length ?? rowCount;
  if (values.shape.length === 0 || values.shape[0] !== count)
    throw refuse(`expected values of ${count} rows, as the row partitions say, got [${values.shape}].`);

  const inner = values.shape.slice(1);
  const rank = levels.length + 1 + inner.length;
  const asked = shape.shape.length === 0 ? undefined : [...backend.int32(shape)];
  if (asked === undefined && backend.int32(shape)[0] !== -1)
    throw refuse(`expected a shape, or −1 for any, got ${backend.int32(shape)[0]}.`);
  const longest = levels.map(({ columns }) =>
    columns.reduce((most, column) => Math.max(most, column + 1), 0),
  );
  const found = [rowCount, ...longest, ...inner];
  const outShape = shapeAsked(asked, rank).map((extent, axis) =>
    extent < 0 ? (found[axis] as number) : extent,
  );
  if (`${outShape.slice(levels.length + 1)}` !== `${inner}`)
    throw refuse(`expected a shape that ends with [${inner}], as the values do, got [${outShape}].`);

  // Where each value goes, counted in values; −1 outside of the shape.
  let places = Array.from({ length: rowCount }, (_, row) => (row < (outShape[0] as number) ? row : -1));
  for (const [i, { rows, columns }] of levels.entries()) {
    const extent = outShape[i + 1] as number;
    places = rows.map((row, j) => {
      const [above, column] = [places[row] as number, columns[j] as number];
      return above < 0 || column >= extent ? -1 : above * extent + column;
    });
  }

  const width = sizeOf(inner);
  const given = defaultPlaces(defaultValue.shape, inner);
  if (!isNativeDtype(values.dtype)) throw refuse(`there is no form of it for ${values.dtype}.`);
  const y = backend.allocate(outShape, values.dtype);
  const to = y.values as Float32Array;
  const [from, fill] = [backend.values(values), backend.values(defaultValue)];
  for (let i = 0; i < to.length; i++) to[i] = fill[given[i % width] as number] as number;
  for (const [row, place] of places.entries())
    if (place >= 0) to.set(from.subarray(row * width, (row + 1) * width), place * width);
  return y.info;
});

/** For each element of the inner shape, its place in the default value, which is spread over it. */
function defaultPlaces(shape: readonly number[], inner: readonly number[]): number[] {
  const missing = inner.length - shape.length;
  if (missing < 0 || !shape.every((extent, i) => extent === 1 || extent === inner[missing + i]))
    throw refuse(`expected a default value that spreads over [${inner}], got [${shape}].`);
  return Array.from({ length: sizeOf(inner) }, (_, element) => {
    let [left, place, step] = [element, 0, 1];
    for (let axis = inner.length - 1; axis >= missing; axis--) {
      const extent = shape[axis - missing] as number;
      place += extent === 1 ? 0 : (left % (inner[axis] as number)) * step;
      step *= extent;
      left = Math.floor(left / (inner[axis] as number));
    }
    return place;
  });
}

/** Kernels of tensors whose rows have lengths of their own. */
export const raggedKernels: readonly NativeKernel[] = [raggedTensorToTensor];
