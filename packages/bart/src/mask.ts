import * as tf from '@tensorflow/tfjs';

/** Score of what may not be looked at: as good as −∞ after softmax, without its NaNs. */
export const MASKED = -1e9;

/** int32 [B, S] of 1 and 0 → float32 [B, 1, 1, S] of 0 and MASKED. */
export function paddingBias(mask: tf.Tensor2D): tf.Tensor4D {
  return tf.tidy(() => {
    const [rows, length] = mask.shape;
    const bias = tf.mul(tf.sub(1, tf.cast(mask, 'float32')), MASKED);
    return tf.reshape(bias, [rows, 1, 1, length]);
  });
}
