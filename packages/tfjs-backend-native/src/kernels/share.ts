import * as tf from '@tensorflow/tfjs';
import { type NativeKernel, nativeKernel, runOnCpu, sizeOf } from './kernel.js';

/** The same data as another tensor. It gets one reference more; nothing is copied. */
const identity = nativeKernel(tf.Identity, (args) => {
  const { x } = args.inputs as { x: tf.TensorInfo };
  if (x.dtype === 'complex64') return runOnCpu(tf.Identity, args);
  return args.backend.alias(x, x.shape);
});

/** The same data under another shape; one extent may be −1. */
const reshape = nativeKernel(tf.Reshape, (args) => {
  const { x } = args.inputs as { x: tf.TensorInfo };
  if (x.dtype === 'complex64') return runOnCpu(tf.Reshape, args);
  const size = sizeOf(x.shape);
  // Throws where the sizes differ, but not where x is empty.
  const shape = tf.util.inferFromImplicitShape(args.attrs.shape as number[], size);
  if (sizeOf(shape) !== size)
    throw new Error(`Reshape: [${shape}] has ${sizeOf(shape)} elements, and x [${x.shape}] has ${size}.`);
  return args.backend.alias(x, shape);
});

/** The same data with one more axis, of extent 1. */
const expandDims = nativeKernel(tf.ExpandDims, (args) => {
  const { input } = args.inputs as { input: tf.TensorInfo };
  const dim = args.attrs.dim as number;
  const rank = input.shape.length;
  if (input.dtype === 'complex64' || !(dim >= -(rank + 1) && dim <= rank))
    return runOnCpu(tf.ExpandDims, args);
  const shape = [...input.shape];
  shape.splice(dim < 0 ? rank + 1 + dim : dim, 0, 1);
  return args.backend.alias(input, shape);
});

/** Kernels that give data another shape. */
export const shareKernels: readonly NativeKernel[] = [identity, reshape, expandDims];
