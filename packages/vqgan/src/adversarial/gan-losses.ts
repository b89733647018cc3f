import { clampedRatio } from '@easel/core';
import * as tf from '@tensorflow/tfjs';

/** The losses of a discriminator. */
export type GanLoss = 'hinge' | 'vanilla';

/**
 * The loss that a discriminator minimises: ½·(mean f(−real) + mean f(fake)), with f(x) = relu(1 +
 * x) for hinge and softplus(x) for vanilla.
 *
 * real, fake: logits of any shape. The result is a scalar. Source: taming
 * `modules/losses/vqperceptual.py`, hinge_d_loss and vanilla_d_loss.
 */
export function discriminatorLoss(real: tf.Tensor, fake: tf.Tensor, kind: GanLoss): tf.Scalar {
  return tf.tidy(() => {
    const error = (x: tf.Tensor): tf.Tensor =>
      tf.mean(kind === 'hinge' ? tf.relu(tf.add(x, 1)) : tf.softplus(x));
    return tf.mul(tf.add(error(tf.neg(real)), error(fake)), 0.5) as tf.Scalar;
  });
}

/**
 * Returns the factor of the adversarial parts at a step: 0 before `start`, then `factor`. Source:
 * as above, adopt_weight.
 */
export function discriminatorFactor(factor: number, step: number, start: number): number {
  return step < start ? 0 : factor;
}

/** Constants of `adaptiveWeight`: the number added to the divisor, and the largest weight. */
const NORM_EPSILON = 1e-4;
const LARGEST_WEIGHT = 1e4;

/**
 * Returns the factor with which the adversarial loss gets as long a gradient as the reconstruction
 * loss at the decoder's last kernel. It is the ratio of the norms of the two gradients there,
 * limited to 0 … 1e4. Source: Esser et al. 2021, arXiv:2012.09841 §3.2; as above,
 * calculate_adaptive_weight.
 */
export function adaptiveWeight(reconstructionNorm: number, adversarialNorm: number): number {
  return Math.min(Math.max(reconstructionNorm / (adversarialNorm + NORM_EPSILON), 0), LARGEST_WEIGHT);
}

/**
 * Returns `factor` times adaptiveWeight, a float32 scalar, for norms that are still on the device.
 * Call it inside tidy, or dispose the result.
 */
export function adaptiveWeightOnDevice(
  reconstructionNorm: tf.Scalar,
  adversarialNorm: tf.Scalar,
  factor: number,
): tf.Scalar {
  const constants = { epsilon: NORM_EPSILON, largest: LARGEST_WEIGHT, factor };
  return clampedRatio(reconstructionNorm, adversarialNorm, constants);
}
