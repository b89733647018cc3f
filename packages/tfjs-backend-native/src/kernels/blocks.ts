import * as tf from '@tensorflow/tfjs';
import { isNativeDtype } from '../strided-copy.js';
import { type KernelArguments, type NativeKernel, nativeKernel, runOnCpu, sizeOf } from './kernel.js';
import { pad, slice, transposed } from './movement.js';

const { getPermuted, getReshaped, getReshapedPermuted, getSliceBeginCoords, getSliceSize } = tf.backend_util;

/** x seen as `seen`, its axes permuted, and seen as `shape`. x has elements. */
function rearranged(
  { backend }: KernelArguments,
  x: tf.TensorInfo,
  seen: number[],
  perm: readonly number[],
  shape: number[],
): tf.TensorInfo {
  const moved = transposed(backend, { ...x, shape: seen }, perm);
  const y = backend.alias(moved, shape);
  backend.disposeData(moved.dataId);
  return y;
}

/** The result of another kernel of this backend on one tensor. */
function applied(
  { kernelFunc }: NativeKernel,
  { backend }: KernelArguments,
  x: tf.TensorInfo,
  attrs: object,
) {
  const args = { inputs: { x }, backend, attrs } as unknown as Parameters<tf.KernelFunc>[0];
  return kernelFunc(args) as tf.TensorInfo;
}

/** Blocks of the padded axes after the first become pictures of the batch. */
const spaceToBatch = nativeKernel(tf.SpaceToBatchND, (args) => {
  const { x } = args.inputs as { x: tf.TensorInfo };
  const { blockShape, paddings } = args.attrs as { blockShape: number[]; paddings: [number, number][] };
  if (!isNativeDtype(x.dtype) || sizeOf(x.shape) === 0) return runOnCpu(tf.SpaceToBatchND, args);
  const all = x.shape.map((_, axis): [number, number] => paddings[axis - 1] ?? [0, 0]);
  const block = sizeOf(blockShape);
  const padded = applied(pad, args, x, { paddings: all, constantValue: 0 });
  const seen = getReshaped(padded.shape, blockShape, block, false);
  const perm = getPermuted(seen.length, blockShape.length, false);
  const shape = getReshapedPermuted(padded.shape, blockShape, block, false);
  const y = rearranged(args, padded, seen, perm, shape);
  args.backend.disposeData(padded.dataId);
  return y;
});

/** The inverse of SpaceToBatchND: pictures of the batch become blocks, then the ends are cropped. */
const batchToSpace = nativeKernel(tf.BatchToSpaceND, (args) => {
  const { x } = args.inputs as { x: tf.TensorInfo };
  const { blockShape, crops } = args.attrs as { blockShape: number[]; crops: number[][] };
  if (!isNativeDtype(x.dtype) || sizeOf(x.shape) === 0) return runOnCpu(tf.BatchToSpaceND, args);
  const block = sizeOf(blockShape);
  const seen = getReshaped(x.shape, blockShape, block);
  const perm = getPermuted(seen.length, blockShape.length);
  const whole = rearranged(args, x, seen, perm, getReshapedPermuted(x.shape, blockShape, block));
  const begin = getSliceBeginCoords(crops, blockShape.length);
  const y = applied(slice, args, whole, { begin, size: getSliceSize(whole.shape, crops, blockShape.length) });
  args.backend.disposeData(whole.dataId);
  return y;
});

/** Channels of [batch, rows, columns, channels] become blocks of pixels. */
const depthToSpace = nativeKernel(tf.DepthToSpace, (args) => {
  const { x } = args.inputs as { x: tf.TensorInfo };
  const { blockSize, dataFormat } = args.attrs as { blockSize: number; dataFormat: string };
  if (dataFormat !== 'NHWC' || !isNativeDtype(x.dtype) || sizeOf(x.shape) === 0)
    return runOnCpu(tf.DepthToSpace, args);
  const [batch, rows, columns, channels] = x.shape as [number, number, number, number];
  const depth = channels / blockSize ** 2;
  const seen = [batch, rows, columns, blockSize, blockSize, depth];
  const shape = [batch, rows * blockSize, columns * blockSize, depth];
  return rearranged(args, x, seen, [0, 1, 3, 2, 4, 5], shape);
});

/** Kernels that exchange blocks of pixels with pictures of a batch or with channels. */
export const blockKernels: readonly NativeKernel[] = [spaceToBatch, batchToSpace, depthToSpace];
