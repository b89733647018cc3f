import * as tf from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { BINARY_OPS, type BinaryOp } from '../addon-numbers.js';
import { planBroadcast } from './broadcast.js';
import { type NativeKernel, nativeKernel, runOnCpu, sizeOf } from './kernel.js';

/** varianceEpsilon where the caller gives none, as in the cpu kernel. */
const DEFAULT_EPSILON = 1e-3;

/**
 * y = (x − mean)·scale / √(variance + epsilon) + offset. x is [.., C], all others are [C]. float32
 * runs natively, the rest on the cpu kernel. The mean is subtracted first: x·factor + shift would
 * lose digits where the mean is large.
 */
export const batchNorm: NativeKernel = nativeKernel(tf.FusedBatchNorm, (args) => {
  const { backend } = args;
  const { x, mean, variance } = args.inputs as Record<'x' | 'mean' | 'variance', tf.TensorInfo>;
  const { scale, offset } = args.inputs as Record<'scale' | 'offset', tf.TensorInfo | undefined>;
  const channels = x.shape[x.shape.length - 1];
  const given = [x, mean, variance, scale, offset].filter((tensor) => tensor !== undefined);
  const fits = (tensor: tf.TensorInfo) => tensor === x || `${tensor.shape}` === `${channels}`;
  const isNative = given.every((tensor) => tensor.dtype === 'float32' && fits(tensor));
  if (!isNative || channels === undefined || sizeOf(x.shape) === 0) return runOnCpu(tf.FusedBatchNorm, args);
  const epsilon = (args.attrs.varianceEpsilon as number | undefined) ?? DEFAULT_EPSILON;
  const y = backend.allocate(x.shape, 'float32');
  const { axes } = planBroadcast(x.shape, [channels]) as NonNullable<ReturnType<typeof planBroadcast>>;
  const along = (op: BinaryOp, input: Float32Array, other: Float32Array) =>
    addon().binary(BINARY_OPS.indexOf(op), y.values, input, other, axes);
  const scales = scale && backend.float32(scale);
  return backend.withScratch(channels, (factor) => {
    backend.float32(variance).forEach((value, c) => {
      factor[c] = (scales?.[c] ?? 1) / Math.sqrt(value + epsilon);
    });
    along('sub', backend.float32(x), backend.float32(mean));
    along('mul', y.values, factor);
    if (offset !== undefined) along('add', y.values, backend.float32(offset));
    return y.info;
  });
});
