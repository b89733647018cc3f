import * as tf from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { SCANS } from '../addon-numbers.js';
import { type NativeKernel, nativeKernel, runOnCpu, sizeOf } from './kernel.js';

/** The running result along an axis. Dtypes other than float32 and int32 go to the cpu kernel. */
function scanKernel(kernelName: string, op: (typeof SCANS)[number]): NativeKernel {
  const number = SCANS.indexOf(op);
  return nativeKernel(kernelName, (args) => {
    const { backend } = args;
    const { x } = args.inputs as { x: tf.TensorInfo };
    const { axis, exclusive, reverse } = args.attrs as { axis: number; exclusive: boolean; reverse: boolean };
    const { dtype, shape } = x;
    if ((dtype !== 'float32' && dtype !== 'int32') || shape.length === 0 || sizeOf(shape) === 0)
      return runOnCpu(kernelName, args);
    const along = axis < 0 ? axis + shape.length : axis;
    const y = backend.allocate(shape, dtype);
    const inner = sizeOf(shape.slice(along + 1));
    const values = backend.values(x) as typeof y.values;
    addon().scan(number, y.values, values, shape[along] as number, inner, exclusive, reverse);
    return y.info;
  });
}

/** Running sums and products. */
export const scanKernels: readonly NativeKernel[] = [
  scanKernel(tf.Cumsum, 'sum'),
  scanKernel(tf.Cumprod, 'product'),
];
