import * as tf from '@tensorflow/tfjs';

/**
 * The values of several float32 or int32 tensors by one awaited read, each as float32. Whole
 * numbers are exact up to 2²⁴. The tensors stay the caller's.
 *
 * A device computes on while its results are waited for, but each wait is a round trip to it. So a
 * step reads what it needs to know together, once everything has been handed over.
 */
export async function readTogether(tensors: readonly tf.Tensor[]): Promise<Float32Array[]> {
  if (tensors.length === 0) return [];
  const all = tf.tidy(() =>
    tf.concat1d(
      tensors.map((tensor) => tf.cast(tf.reshape(tensor, [tensor.size]), 'float32') as tf.Tensor1D),
    ),
  );
  const values = (await all.data()) as Float32Array;
  all.dispose();
  let at = 0;
  return tensors.map(({ size }) => {
    at += size;
    return values.subarray(at - size, at);
  });
}
