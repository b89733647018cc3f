import * as tf from '@tensorflow/tfjs';
import type { NativeBackend } from '../backend.js';
import { isNativeDtype, stepsOf, stridedCopy } from '../strided-copy.js';
import { type NativeKernel, nativeKernel, runOnCpu, sizeOf } from './kernel.js';

/**
 * Elements `from` to `from + extent` of x along an axis, as a tensor of `shape`. It is a view where
 * they lie together, else a copy.
 */
function pieceOf(
  backend: NativeBackend,
  x: tf.TensorInfo,
  axis: number,
  from: number,
  extent: number,
  shape: number[],
): tf.TensorInfo {
  const { dtype } = x;
  if (!isNativeDtype(dtype)) throw new Error(`pieceOf: expected numbers or bool, got ${dtype}`);
  const steps = stepsOf(x.shape);
  const offset = from * (steps[axis] as number);
  const values = backend.values(x);
  const length = sizeOf(shape);
  if (length === 0 || sizeOf(x.shape.slice(0, axis)) === 1)
    return backend.makeTensorInfo(shape, dtype, values.subarray(offset, offset + length));
  const box = x.shape.map((size, i) => (i === axis ? extent : size));
  const y = backend.allocate(shape, dtype);
  stridedCopy(y.values, 0, stepsOf(box), values, offset, steps, box);
  return y.info;
}

/** x cut along an axis into pieces of given extents. */
const splitV = nativeKernel(tf.SplitV, (args) => {
  const { backend, attrs } = args;
  const { x } = args.inputs as { x: tf.TensorInfo };
  if (!isNativeDtype(x.dtype)) return runOnCpu(tf.SplitV, args);
  const axis = tf.util.parseAxisParam(attrs.axis as number, x.shape)[0] as number;
  const asked = attrs.numOrSizeSplits as number | number[];
  const extents = tf.backend_util.prepareSplitSize(x as unknown as tf.Tensor, asked, axis);
  // tfjs checks the sum alone. A piece that ends beyond x would read memory there.
  if (!extents.every((extent) => extent >= 0))
    throw new Error(
      `SplitV: expected sizes of 0 or more, got [${extents}] for axis ${axis} of [${x.shape}].`,
    );
  let from = 0;
  return extents.map((extent) => {
    const shape = x.shape.map((size, i) => (i === axis ? extent : size));
    from += extent;
    return pieceOf(backend, x, axis, from - extent, extent, shape);
  });
});

/** A tensor cut along an axis into tensors without that axis. */
const unpack = nativeKernel(tf.Unpack, (args) => {
  const { value } = args.inputs as { value: tf.TensorInfo };
  if (!isNativeDtype(value.dtype)) return runOnCpu(tf.Unpack, args) as unknown as tf.TensorInfo[];
  const axis = tf.util.parseAxisParam(args.attrs.axis as number, value.shape)[0] as number;
  const shape = value.shape.filter((_, i) => i !== axis);
  return Array.from({ length: value.shape[axis] as number }, (_, i) =>
    pieceOf(args.backend, value, axis, i, 1, [...shape]),
  );
});

/** Tensors of one shape side by side along a new axis. */
const pack = nativeKernel(tf.Pack, (args) => {
  const { backend } = args;
  const parts = Object.values(args.inputs) as tf.TensorInfo[];
  const [first] = parts as [tf.TensorInfo];
  const { dtype } = first;
  const given = args.attrs.axis as number;
  const axis = given < 0 ? first.shape.length + 1 + given : given;
  const isNative = isNativeDtype(dtype) && parts.every((part) => part.dtype === dtype);
  // The cpu kernel has the message for shapes that differ.
  if (!isNative || !parts.every((part) => tf.util.arraysEqual(part.shape, first.shape)))
    return runOnCpu(tf.Pack, args);
  const withAxis = (extent: number) => [...first.shape.slice(0, axis), extent, ...first.shape.slice(axis)];
  const y = backend.allocate(withAxis(parts.length), dtype);
  if (y.values.length === 0) return y.info;
  const box = withAxis(1);
  const [from, to] = [stepsOf(box), stepsOf(y.info.shape)];
  for (const [i, part] of parts.entries())
    stridedCopy(y.values, i * (to[axis] as number), to, backend.values(part), 0, from, box);
  return y.info;
});

/** Kernels that cut a tensor into several and put several together. */
export const pieceKernels: readonly NativeKernel[] = [splitV, unpack, pack];
