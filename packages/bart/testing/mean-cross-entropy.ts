import { sparseCrossEntropy } from '@easel/core';
import * as tf from '@tensorflow/tfjs';

/** Mean cross-entropy over all places, as the originals' loss_fn. logits [B, T, V], labels int32 [B, T]. */
export function meanCrossEntropy(logits: tf.Tensor3D, labels: tf.Tensor): tf.Scalar {
  const [rows, length, vocabulary] = logits.shape;
  const flat = tf.reshape(logits, [rows * length, vocabulary]) as tf.Tensor2D;
  return tf.mean(sparseCrossEntropy(flat, tf.reshape(labels, [rows * length]) as tf.Tensor1D));
}
