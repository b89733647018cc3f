import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../errors.js';
import { gradientsOf, hasKernel, registerGradientOnce, runKernel } from './fused-kernel.js';

/**
 * loss[r] = logsumexp(logits[r]) − logits[r, labels[r]], the negative log-likelihood of each row's
 * label.
 *
 * logits is float32 [R, V]; labels int32 [R], each in 0 … V−1; the result [R]. Throws ShapeError if
 * they do not fit.
 */
export function sparseCrossEntropy(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Tensor1D {
  if (
    logits.rank !== 2 ||
    labels.rank !== 1 ||
    labels.dtype !== 'int32' ||
    labels.shape[0] !== logits.shape[0]
  ) {
    throw new ShapeError(
      `sparseCrossEntropy: expected logits [R, V] and int32 labels [R], got [${logits.shape}] and ${labels.dtype} [${labels.shape}].`,
    );
  }
  if (!hasKernel('SparseCrossEntropy')) return plainSparseCrossEntropy(logits, labels);
  return tf.tidy(() => runKernel('SparseCrossEntropy', { logits, labels })[0] as tf.Tensor1D);
}

registerGradientOnce({
  kernelName: 'SparseCrossEntropy',
  inputsToSave: ['logits', 'labels'],
  outputsToSave: [false, true],
  gradFunc: (dys, saved) => {
    const [dloss] = dys as [tf.Tensor];
    const [logits, labels, lse] = saved as [tf.Tensor2D, tf.Tensor1D, tf.Tensor1D];
    const fused = () => runKernel('SparseCrossEntropyGrad', { dloss, logits, labels, lse });
    const plain = (x?: tf.Tensor) => plainSparseCrossEntropy(x as tf.Tensor2D, labels);
    const [dlogits] = gradientsOf(fused, plain, [logits], dloss) as [tf.Tensor];
    return { logits: () => dlogits };
  },
});

/**
 * sparseCrossEntropy in tfjs operations. The forward pass makes no one-hot. The gradient is
 * softmax(logits) − oneHot(labels).
 */
export function plainSparseCrossEntropy(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Tensor1D {
  const [rows, vocabulary] = logits.shape;
  const op = tf.customGrad((...args) => {
    const [x, save] = args as unknown as [tf.Tensor2D, tf.GradSaveFunc];
    save([x, labels]);
    const places = tf.stack([tf.range(0, rows, 1, 'int32'), labels], 1);
    return {
      value: tf.sub(tf.logSumExp(x, 1), tf.gatherND(x, places)),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        tf.tidy(() => {
          const [scores, ids] = saved as [tf.Tensor2D, tf.Tensor1D];
          // The one-hot is int32, since the wasm kernel writes integers whatever type is asked for.
          const target = tf.cast(tf.oneHot(ids, vocabulary, 1, 0, 'int32'), 'float32');
          return tf.mul(tf.sub(tf.softmax(scores), target), tf.reshape(dy, [rows, 1]));
        }),
    };
  });
  return op(logits) as tf.Tensor1D;
}
