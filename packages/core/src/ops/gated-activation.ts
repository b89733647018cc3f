import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../errors.js';
import { FUSABLE_ACTIVATIONS, type FusableActivation } from './activation.js';
import { gradientsOf, hasKernel, registerGradientOnce, runKernel } from './fused-kernel.js';

/**
 * y = activation(gate)·up, elementwise: the middle of a gated feed-forward block. Where the backend
 * has the kernels, each direction is one pass. The gradient keeps gate and up alone, not
 * activation(gate).
 *
 * gate, up and y are float32 of one shape. Throws ShapeError if the shapes differ. Source: Shazeer
 * 2020, arXiv:2002.05202.
 */
export function gatedActivation<T extends tf.Tensor>(gate: T, up: T, activation: FusableActivation): T {
  if (!tf.util.arraysEqual(gate.shape, up.shape)) {
    throw new ShapeError(
      `gatedActivation: expected gate and up of one shape, got [${gate.shape}] and [${up.shape}].`,
    );
  }
  if (!hasKernel('GatedActivation')) return plainGatedActivation(gate, up, activation);
  return runKernel('GatedActivation', { gate, up }, { activation })[0] as T;
}

/** gatedActivation in tfjs operations. */
export function plainGatedActivation<T extends tf.Tensor>(gate: T, up: T, activation: FusableActivation): T {
  return tf.tidy(() => tf.mul(FUSABLE_ACTIVATIONS[activation](gate), up) as T);
}

registerGradientOnce({
  kernelName: 'GatedActivation',
  inputsToSave: ['gate', 'up'],
  gradFunc: (dys, saved, attrs) => {
    const [gate, up] = saved as [tf.Tensor, tf.Tensor];
    const { activation } = attrs;
    const dy = dys as tf.Tensor;
    const fused = () => runKernel('GatedActivationGrad', { dy, gate, up }, { activation });
    const plain = (...[gate, up]: tf.Tensor[]) =>
      plainGatedActivation(gate as tf.Tensor, up as tf.Tensor, activation);
    const [dgate, dup] = gradientsOf(fused, plain, [gate, up], dy) as [tf.Tensor, tf.Tensor];
    return { gate: () => dgate, up: () => dup };
  },
});
