import * as tf from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import type { NativeBackend } from '../backend.js';
import type { NumericArray } from '../numeric-array.js';
import { asWords, axesArray, isNativeDtype, joinAxes, stepsOf, stridedCopy } from '../strided-copy.js';
import { type KernelArguments, type NativeKernel, nativeKernel, runOnCpu, sizeOf } from './kernel.js';
import { placesOf, stridedWalk } from './strided-walk.js';

/**
 * y, whose axis i is axis perm[i] of x. x must not be empty. A permutation that moves only axes of
 * extent 1 shares the data.
 */
export function transposed(backend: NativeBackend, x: tf.TensorInfo, perm: readonly number[]): tf.TensorInfo {
  const { dtype } = x;
  if (!isNativeDtype(dtype)) throw new Error(`transposed: expected numbers or bool, got ${dtype}`);
  const shape = perm.map((axis) => x.shape[axis] as number);
  const steps = stepsOf(x.shape);
  const xSteps = perm.map((axis) => steps[axis] as number);
  // The axes are joined with themselves, as if y had x's steps: axes that stay neighbours become
  // one.
  const joined = joinAxes(shape, xSteps, xSteps);
  const rank = joined.length / 3;
  if (rank === 1) return backend.alias(x, shape);
  const y = backend.allocate(shape, dtype);
  const values = backend.values(x);
  if (y.values instanceof Uint8Array) stridedCopy(y.values, 0, stepsOf(shape), values, 0, xSteps, shape);
  else {
    const axes = joined instanceof Int32Array ? axesArray(2 * rank) : new Array<number>(2 * rank);
    for (let i = 0; i < rank; i++) {
      axes[i] = joined[i] as number;
      axes[rank + i] = joined[2 * rank + i] as number;
    }
    addon().transpose(asWords(y.values), asWords(values as Float32Array), axes);
  }
  return y.info;
}

const transpose = nativeKernel(tf.Transpose, (args) => {
  const { x } = args.inputs as { x: tf.TensorInfo };
  if (!isNativeDtype(x.dtype) || sizeOf(x.shape) === 0) return runOnCpu(tf.Transpose, args);
  return transposed(args.backend, x, (args.attrs as { perm: number[] }).perm);
});

/** Puts tensors side by side along `axis`. */
const concat = nativeKernel(tf.Concat, (args) => {
  const { backend } = args;
  const parts = Object.values(args.inputs) as tf.TensorInfo[];
  const first = parts[0] as tf.TensorInfo;
  const { dtype } = first;
  const isComplex = parts.every((part) => part.dtype === 'complex64');
  if (!isComplex && (!isNativeDtype(dtype) || parts.some((part) => part.dtype !== dtype)))
    return runOnCpu(tf.Concat, args);
  const axis = tf.util.parseAxisParam(args.attrs.axis as number, first.shape)[0] as number;
  tf.backend_util.assertParamsConsistent(
    parts.map((part) => part.shape),
    axis,
  );
  const shape = tf.backend_util.computeOutShape(
    parts.map((part) => part.shape),
    axis,
  );
  const filled = parts.filter((part) => sizeOf(part.shape) > 0);
  if (!isNativeDtype(dtype)) {
    if (sizeOf(shape) > 0) return runOnCpu(tf.Concat, args);
    // The cpu kernel gives no complex numbers no parts.
    const none = backend.allocate(shape, 'float32').info;
    const y = runOnCpu(tf.Complex, { ...args, inputs: { real: none, imag: none } });
    backend.disposeData(none.dataId);
    return y;
  }
  if (filled.length === 1) return backend.alias(filled[0] as tf.TensorInfo, shape);
  const y = backend.allocate(shape, dtype);
  const ySteps = stepsOf(shape);
  let offset = 0;
  for (const part of filled) {
    stridedCopy(y.values, offset, ySteps, backend.values(part), 0, stepsOf(part.shape), part.shape);
    offset += (part.shape[axis] as number) * (ySteps[axis] as number);
  }
  return y.info;
});

/**
 * A box of x. A contiguous box is a view: nothing is copied, and the block stays until both tensors
 * are gone.
 */
export const slice = nativeKernel(tf.Slice, (args) => {
  const { backend } = args;
  const { x } = args.inputs as { x: tf.TensorInfo };
  if (!isNativeDtype(x.dtype)) return runOnCpu(tf.Slice, args);
  const attrs = args.attrs as { begin: number[]; size: number[] };
  const [begin, size] = tf.slice_util.parseSliceParams(
    x as unknown as tf.Tensor,
    attrs.begin,
    attrs.size,
  ) as [number[], number[]];
  tf.slice_util.assertParamsValid(x as unknown as tf.Tensor, begin, size);
  const steps = stepsOf(x.shape);
  const offset = begin.reduce((sum, first, axis) => sum + first * (steps[axis] as number), 0);
  const length = sizeOf(size);
  const values = backend.values(x);
  if (length === 0 || tf.slice_util.isSliceContinous(x.shape, begin, size))
    return backend.makeTensorInfo(size, x.dtype, values.subarray(offset, offset + length));
  const y = backend.allocate(size, x.dtype);
  stridedCopy(y.values, 0, stepsOf(size), values, offset, steps, size);
  return y.info;
});

/**
 * A box of x with steps, which may be negative. Strings are copied in JavaScript, complex numbers
 * part by part.
 */
const stridedSlice = nativeKernel(tf.StridedSlice, (args) => {
  const { backend } = args;
  const { x } = args.inputs as { x: tf.TensorInfo };
  if (x.dtype === 'complex64') return slicedComplex(args);
  const { finalShape, extents, offset, xSteps } = stridedWalk(x.shape, args.attrs);
  if (!isNativeDtype(x.dtype)) {
    const strings = backend.data.get(x.dataId).values as Uint8Array[];
    const places = placesOf({ extents, offset, xSteps });
    const values = places.map((place) => strings[place] as Uint8Array);
    return backend.makeTensorInfo(finalShape, x.dtype, values);
  }
  const values = backend.values(x);
  const length = sizeOf(extents);
  const ySteps = stepsOf(extents);
  // A box without gaps is a view, as in Slice.
  const whole = extents.every((extent, axis) => extent <= 1 || ySteps[axis] === xSteps[axis]);
  if (length === 0 || whole) {
    const first = length === 0 ? 0 : offset;
    return backend.makeTensorInfo(finalShape, x.dtype, values.subarray(first, first + length));
  }
  const y = backend.allocate(finalShape, x.dtype);
  stridedCopy(y.values, 0, ySteps, values, offset, xSteps, extents);
  return y.info;
});

function slicedComplex(args: KernelArguments): tf.TensorInfo {
  const { backend } = args;
  const { x } = args.inputs as { x: tf.TensorInfo };
  const parts = backend.data.get(x.dataId).complexTensorInfos as Record<'real' | 'imag', tf.TensorInfo>;
  const sliced = (part: tf.TensorInfo): tf.TensorInfo =>
    stridedSlice.kernelFunc({
      inputs: { x: { ...part, shape: x.shape } },
      backend,
      attrs: args.attrs,
    } as Parameters<tf.KernelFunc>[0]) as tf.TensorInfo;
  const inputs = { real: sliced(parts.real), imag: sliced(parts.imag) };
  const y = runOnCpu(tf.Complex, { inputs, backend, attrs: {} });
  backend.disposeData(inputs.real.dataId);
  backend.disposeData(inputs.imag.dataId);
  return y;
}

/**
 * From this many elements on, only the border is filled. In smaller tensors, the addon's calls for
 * the border's parts cost more than writing the middle twice.
 */
const BORDER_FROM = 1 << 15;

/**
 * Fills the part of y around a copy of x that begins `before` elements from the start of each axis.
 * For each axis it fills the parts before and after x, inside of the earlier axes' middle.
 */
function fillBorder(
  y: NumericArray,
  yShape: readonly number[],
  xShape: readonly number[],
  before: readonly number[],
  value: number,
): void {
  const steps = stepsOf(yShape);
  const one = y.slice(0, 1).fill(value); // y has elements
  const still = steps.map(() => 0);
  let corner = 0;
  for (const [axis, step] of steps.entries()) {
    const [first, middle] = [before[axis] as number, xShape[axis] as number];
    const last = (yShape[axis] as number) - first - middle;
    for (const [offset, extent] of [
      [corner, first],
      [corner + (first + middle) * step, last],
    ] as [number, number][]) {
      if (extent === 0) continue;
      const part = [...xShape.slice(0, axis), extent, ...yShape.slice(axis + 1)];
      stridedCopy(y, offset, steps, one, 0, still, part);
    }
    corner += first * step;
  }
}

/** x with a border of `constantValue`. A negative padding crops, as on the cpu backend. */
export const pad = nativeKernel(tf.PadV2, (args) => {
  const { backend } = args;
  const { x } = args.inputs as { x: tf.TensorInfo };
  const { paddings, constantValue } = args.attrs as {
    paddings: [number, number][];
    constantValue: number;
  };
  if (!isNativeDtype(x.dtype)) return runOnCpu(tf.PadV2, args);
  const shape = x.shape.map((extent, axis) => {
    const [before, after] = paddings[axis] as [number, number];
    return Math.max(0, before + extent + after);
  });
  const y = backend.allocate(shape, x.dtype);
  // The part of x that remains: its first place and its extents.
  const first = paddings.map(([before]) => Math.max(0, -before));
  const kept = x.shape.map((extent, axis) => {
    const after = (paddings[axis] as [number, number])[1];
    return Math.max(0, extent - (first[axis] as number) - Math.max(0, -after));
  });
  const before = paddings.map(([to]) => Math.max(0, to));
  const copies = sizeOf(kept) > 0;
  if (copies && y.values.length >= BORDER_FROM) fillBorder(y.values, shape, kept, before, constantValue);
  else fillValues(y.values, constantValue);
  if (!copies) return y.info;
  const at = (steps: readonly number[], places: readonly number[]): number =>
    steps.reduce((sum, step, axis) => sum + step * (places[axis] as number), 0);
  const ySteps = stepsOf(shape);
  const xSteps = stepsOf(x.shape);
  stridedCopy(y.values, at(ySteps, before), ySteps, backend.values(x), at(xSteps, first), xSteps, kept);
  return y.info;
});

/** x repeated reps[i] times along axis i. */
const tile = nativeKernel(tf.Tile, (args) => {
  const { backend } = args;
  const { x } = args.inputs as { x: tf.TensorInfo };
  const { reps } = args.attrs as { reps: number[] };
  const shape = x.shape.map((extent, axis) => extent * (reps[axis] as number));
  if (!isNativeDtype(x.dtype) || sizeOf(shape) === 0) return runOnCpu(tf.Tile, args);
  const y = backend.allocate(shape, x.dtype);
  const ySteps = stepsOf(shape);
  const xSteps = stepsOf(x.shape);
  // Each axis of y is seen as [repetition, index].
  const extents = x.shape.flatMap((extent, axis) => [reps[axis] as number, extent]);
  const to = x.shape.flatMap((extent, axis) => [extent * (ySteps[axis] as number), ySteps[axis] as number]);
  const from = xSteps.flatMap((step) => [0, step]);
  stridedCopy(y.values, 0, to, backend.values(x), 0, from, extents);
  return y.info;
});

/**
 * x in another element type. This always converts: a float32 result lies on a Float32Array, where
 * the cpu backend would share the integers.
 */
const cast = nativeKernel(tf.Cast, (args) => {
  const { backend } = args;
  const { x } = args.inputs as { x: tf.TensorInfo };
  const { dtype } = args.attrs as { dtype: tf.DataType };
  if (!isNativeDtype(x.dtype) || !isNativeDtype(dtype)) return runOnCpu(tf.Cast, args);
  if (x.dtype === dtype) return backend.alias(x, x.shape);
  const y = backend.allocate(x.shape, dtype);
  addon().convert(y.values, backend.values(x));
  return y.info;
});

/** Below this many elements, the engine's own fill takes less time than a call of the addon. */
const FEW = 4096;

/** values[i] = value. */
export function fillValues(values: NumericArray, value: number): void {
  if (values instanceof Float32Array && values.length > FEW) addon().fillFloat(values, value);
  else values.fill(value);
}

function filled(kernelName: string, value: number): NativeKernel {
  return nativeKernel(kernelName, (args) => {
    const { x } = args.inputs as { x: tf.TensorInfo };
    if (!isNativeDtype(x.dtype)) return runOnCpu(kernelName, args);
    const y = args.backend.allocate(x.shape, x.dtype);
    fillValues(y.values, value);
    return y.info;
  });
}

/** A tensor filled with one value. */
const fill = nativeKernel(tf.Fill, (args) => {
  const { shape, value, dtype } = args.attrs as {
    shape: number[];
    value: number | string;
    dtype?: tf.DataType;
  };
  const type = dtype ?? tf.util.inferDtype(value);
  if (!isNativeDtype(type)) return runOnCpu(tf.Fill, args);
  const y = args.backend.allocate(shape, type);
  fillValues(y.values, value as number);
  return y.info;
});

/** `num` numbers from `start` to `stop`, evenly apart. */
const linSpace = nativeKernel(tf.LinSpace, ({ backend, attrs }) => {
  const { start, stop, num } = attrs as { start: number; stop: number; num: number };
  const { info, values } = backend.allocate([num], 'float32');
  const step = (stop - start) / (num - 1);
  for (let i = 0; i < num; i++) values[i] = start + i * step;
  if (num > 1) values[num - 1] = stop;
  else if (num === 1) values[0] = start;
  return info;
});

/** Kernels that make, move, repeat or convert elements. */
export const movementKernels: readonly NativeKernel[] = [
  transpose,
  concat,
  slice,
  stridedSlice,
  pad,
  tile,
  cast,
  filled(tf.ZerosLike, 0),
  filled(tf.OnesLike, 1),
  fill,
  linSpace,
];
