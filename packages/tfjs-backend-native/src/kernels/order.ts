import * as tf from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { type NativeKernel, nativeKernel, runOnCpu, sizeOf } from './kernel.js';
import { transposed } from './movement.js';

/**
 * The index of the largest (or smallest) element along an axis; of equal ones the first. float32
 * runs natively, the rest on the cpu kernel. An axis that is not the last one is moved there.
 */
function search(kernelName: string, run: 'argMax' | 'argMin'): NativeKernel {
  return nativeKernel(kernelName, (args) => {
    const { backend, attrs } = args;
    const { x } = args.inputs as { x: tf.TensorInfo };
    const rank = x.shape.length;
    if (x.dtype !== 'float32' || rank === 0 || sizeOf(x.shape) === 0) return runOnCpu(kernelName, args);
    const axis = tf.util.parseAxisParam(attrs.axis as number, x.shape)[0] as number;
    const y = backend.allocate(
      x.shape.filter((_, i) => i !== axis),
      'int32',
    );
    const width = x.shape[axis] as number;
    if (axis === rank - 1) addon()[run](y.values, backend.float32(x), width);
    else {
      const perm = [...x.shape.keys()].filter((i) => i !== axis);
      perm.push(axis);
      const moved = transposed(backend, x, perm);
      addon()[run](y.values, backend.float32(moved), width);
      backend.disposeData(moved.dataId);
    }
    return y.info;
  });
}

/**
 * The k largest values of each row, in order, and their indices; of equal values the first comes
 * first. float32 runs natively, the rest on the cpu kernel.
 */
const topK = nativeKernel(tf.TopK, (args) => {
  const { backend, attrs } = args;
  const { x } = args.inputs as { x: tf.TensorInfo };
  const k = attrs.k as number;
  const width = x.shape[x.shape.length - 1] ?? 0;
  if (x.dtype !== 'float32' || k === 0 || k > width || sizeOf(x.shape) === 0) return runOnCpu(tf.TopK, args);
  const shape = [...x.shape.slice(0, -1), k];
  const values = backend.allocate(shape, 'float32');
  const indices = backend.allocate(shape, 'int32');
  addon().topK(values.values, indices.values, backend.float32(x), width, k);
  return [values.info, indices.info];
});

/** Kernels that look for the largest elements. */
export const orderKernels: readonly NativeKernel[] = [
  search(tf.ArgMax, 'argMax'),
  search(tf.ArgMin, 'argMin'),
  topK,
];
