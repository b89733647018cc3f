import * as tf from '@tensorflow/tfjs';
import { checkPacked, type PackedValues } from '../packed/packed-values.js';
import { unpack } from '../packed/unpack.js';
import { hasKernel, runKernel } from './fused-kernel.js';

/**
 * A float32 tensor of packed values. A backend that has the kernel holds it as it is packed, and
 * multiplies by it and looks rows up so; the arrays are then not copied and must not change. Other
 * backends get the floats. Either way the tensor's numbers are those of `unpack`.
 *
 * Throws EaselError if the arrays do not fit the shape.
 */
export function packedTensor(packed: PackedValues): tf.Tensor {
  checkPacked(packed);
  if (!hasKernel('PackedTensor')) return tf.tensor(unpack(packed), [...packed.shape], 'float32');
  return runKernel('PackedTensor', {}, { ...packed, shape: [...packed.shape] })[0];
}
