import type * as tf from '@tensorflow/tfjs';
import { requireFloat32 } from './activation.js';
import { type FusedArguments, fusedKernel } from './kernel.js';

/**
 * x rounded to bfloat16. The result is a float32 tensor that takes two bytes a value, until
 * something other than a native kernel asks for its array. Values are rounded to the nearest. With
 * the attribute `seed`, a whole number below 2³², they are rounded by chance, in proportion to the
 * distances.
 */
export const narrow = fusedKernel(
  'Narrow',
  ({ inputs, backend, attrs }: FusedArguments<{ x: tf.TensorInfo }, { seed?: number }>) => {
    const { x } = inputs;
    requireFloat32('Narrow', { x });
    return backend.narrow(x, attrs.seed ?? null);
  },
);
