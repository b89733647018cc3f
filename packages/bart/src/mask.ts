import * as tf from '@tensorflow/tfjs';

/**
 * Score of a key that a query may not look at. It acts like −∞ in a softmax, but gives no NaN where
 * all keys are masked.
 */
export const MASKED = -1e9;

/**
 * Turns a mask into a bias of scores: int32 [B, S] of 1 and 0 → float32 [B, 1, 1, S] of 0 and
 * MASKED.
 */
export function paddingBias(mask: tf.Tensor2D): tf.Tensor4D {
  return tf.tidy(() => {
    const [rows, length] = mask.shape;
    const bias = tf.mul(tf.sub(1, tf.cast(mask, 'float32')), MASKED);
    return tf.reshape(bias, [rows, 1, 1, length]);
  });
}
