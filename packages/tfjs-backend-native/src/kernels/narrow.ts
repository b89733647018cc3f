import type * as tf from '@tensorflow/tfjs';
import { requireFloat32 } from './activation.js';
import { type KernelArguments, type NativeKernel, nativeKernel } from './kernel.js';

/**
 * x rounded to bfloat16, a float32 tensor that takes two bytes a value until somebody other than a native kernel asks for its array. Rounded to the
 * nearest, or with the attribute `seed`, a whole number below 2³² by chance, in proportion to the distances.
 */
const narrow = nativeKernel('Narrow', ({ inputs, backend, attrs }: KernelArguments) => {
  const { x } = inputs as { x: tf.TensorInfo };
  requireFloat32('Narrow', { x });
  return backend.narrow(x, (attrs as { seed?: number }).seed ?? null);
});

export const narrowKernels: readonly NativeKernel[] = [narrow];
