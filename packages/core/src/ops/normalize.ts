import * as tf from '@tensorflow/tfjs';

/**
 * x / (‖x‖₂ + epsilon) over the last axis. x is float32 [.., D].
 *
 * 1e-30 under the root keeps the gradient of a zero vector finite. It changes no other value in
 * float32.
 */
export function normalizeL2<T extends tf.Tensor>(x: T, epsilon = 1e-8): T {
  return tf.tidy(() => {
    const length = tf.sqrt(tf.add(tf.sum(tf.square(x), -1, true), 1e-30));
    return tf.div(x, tf.add(length, epsilon)) as T;
  });
}
