import * as tf from '@tensorflow/tfjs';

/**
 * Returns the places first[b] … first[b] + length − 1 of each row b: int32 [B] → int32 [B, length].
 */
export function placesFrom(first: tf.Tensor1D, length: number): tf.Tensor2D {
  return tf.tidy(() => {
    const column = tf.reshape(first, [-1, 1]) as tf.Tensor2D;
    return length === 1 ? column : tf.add(column, tf.range(0, length, 1, 'int32'));
  });
}
