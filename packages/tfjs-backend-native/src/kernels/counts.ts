import * as tf from '@tensorflow/tfjs';
import { type NativeKernel, nativeKernel, runOnCpu } from './kernel.js';

/** Whether each number occurs, 1 or 0: tfjs's cpu kernel counts where x has one axis. */
const denseBincount = nativeKernel(tf.DenseBincount, (args) => {
  const { backend } = args;
  const { x, weights } = args.inputs as { x: tf.TensorInfo; weights: tf.TensorInfo };
  const { size, binaryOutput } = args.attrs as { size: number; binaryOutput?: boolean };
  const isNumber = weights.dtype === 'float32' || weights.dtype === 'int32';
  if (!binaryOutput || x.shape.length !== 1 || !isNumber) return runOnCpu(tf.DenseBincount, args);
  const numbers = backend.int32(x);
  if (numbers.some((number) => number < 0))
    throw new Error('DenseBincount: x must not have negative numbers.');
  const y = backend.allocate([size], weights.dtype as 'float32' | 'int32');
  y.values.fill(0);
  for (const number of numbers) if (number < size) y.values[number] = 1;
  return y.info;
});

/** Kernels that count. */
export const countKernels: readonly NativeKernel[] = [denseBincount];
