import * as tf from '@tensorflow/tfjs';
import { hasKernel, runKernel } from './fused-kernel.js';

/** Constants of clampedRatio. */
export interface ClampedRatioOptions {
  /** Added to what is divided by. */
  readonly epsilon: number;
  /** The ratio is at most this, and at least 0. */
  readonly largest: number;
  /** Multiplies the ratio. */
  readonly factor: number;
}

/**
 * factor · clamp(a / (b + epsilon), 0, largest) of two float32 scalars, a float32 scalar: a weight
 * made of two norms without reading them. NaN where the ratio is. Has no gradient.
 */
export function clampedRatio(a: tf.Scalar, b: tf.Scalar, options: ClampedRatioOptions): tf.Scalar {
  const { epsilon, largest, factor } = options;
  if (hasKernel('ClampedRatio'))
    return runKernel('ClampedRatio', { a, b }, { epsilon, largest, factor })[0] as tf.Scalar;
  return tf.tidy(() => {
    const ratio = tf.div(a, tf.add(b, epsilon));
    const within = tf.mul(tf.minimum(tf.maximum(ratio, 0), largest), factor);
    return tf.where(tf.isNaN(ratio), ratio, within) as tf.Scalar;
  });
}
