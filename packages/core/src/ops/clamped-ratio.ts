import * as tf from '@tensorflow/tfjs';
import { hasKernel, runKernel } from './fused-kernel.js';

/** Constants of clampedRatio. */
export interface ClampedRatioOptions {
  /** Added to the divisor. */
  readonly epsilon: number;
  /** The largest ratio; the least is 0. */
  readonly largest: number;
  /** Multiplies the ratio. */
  readonly factor: number;
}

/**
 * factor · clamp(a / (b + epsilon), 0, largest) of two float32 scalars, as a float32 scalar. It
 * makes a weight of two norms without reading them. It is NaN where the ratio is. It has no
 * gradient.
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
