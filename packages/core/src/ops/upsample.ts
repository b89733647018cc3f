import * as tf from '@tensorflow/tfjs';

/**
 * Doubles height and width by repeating each pixel 2×2: [B, H, W, C] → [B, 2H, 2W, C].
 *
 * The gradient sums each 2×2 field by reshape and sum, which every backend has. tfjs's own gradient
 * needs a kernel that wasm lacks.
 */
export function upsampleNearest2x(x: tf.Tensor4D): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  const op = tf.customGrad((...args) => ({
    value: tf.image.resizeNearestNeighbor(args[0] as tf.Tensor4D, [2 * height, 2 * width]),
    gradFunc: (dy: tf.Tensor) =>
      tf.tidy(() => {
        const rows = tf.sum(tf.reshape(dy, [batch * height, 2, width * 2 * channels]), 1);
        const places = tf.sum(tf.reshape(rows, [batch * height * width, 2, channels]), 1);
        return tf.reshape(places, [batch, height, width, channels]);
      }),
  }));
  return op(x) as tf.Tensor4D;
}
