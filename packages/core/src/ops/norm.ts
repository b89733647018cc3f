import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../errors.js';

/**
 * y = (x − mean)·rsqrt(var + epsilon)·scale + bias over the last axis, variance biased.
 *
 * x and y: float32 [.., D]; scale, bias: [D] or undefined (1 and 0). Throws ShapeError if they do not fit the last axis.
 * Source: Ba et al. 2016, arXiv:1607.06450.
 */
export function layerNorm<T extends tf.Tensor>(
  x: T,
  scale: tf.Tensor | undefined,
  bias: tf.Tensor | undefined,
  epsilon = 1e-5,
): T {
  checkAffine('layerNorm', x, scale, bias);
  return plainLayerNorm(x, scale, bias, epsilon);
}

/** layerNorm in tfjs operations. The variance is taken from differences: E[x²] − E[x]² loses digits where the mean is large. */
export function plainLayerNorm<T extends tf.Tensor>(
  x: T,
  scale: tf.Tensor | undefined,
  bias: tf.Tensor | undefined,
  epsilon: number,
): T {
  return tf.tidy(() => {
    const centred = tf.sub(x, tf.mean(x, -1, true));
    const variance = tf.mean(tf.square(centred), -1, true);
    return affine(tf.mul(centred, tf.rsqrt(tf.add(variance, epsilon))), scale, bias) as T;
  });
}

/**
 * y = x·rsqrt(mean(x²) + epsilon)·scale over the last axis.
 *
 * x and y: float32 [.., D]; scale: [D] or undefined (1). Throws ShapeError if scale does not fit.
 * Source: Zhang and Sennrich 2019, arXiv:1910.07467.
 */
export function rmsNorm<T extends tf.Tensor>(x: T, scale: tf.Tensor | undefined, epsilon = 1e-5): T {
  checkAffine('rmsNorm', x, scale, undefined);
  return plainRmsNorm(x, scale, epsilon);
}

/** rmsNorm in tfjs operations. */
export function plainRmsNorm<T extends tf.Tensor>(x: T, scale: tf.Tensor | undefined, epsilon: number): T {
  return tf.tidy(() => {
    const meanSquare = tf.mean(tf.square(x), -1, true);
    return affine(tf.mul(x, tf.rsqrt(tf.add(meanSquare, epsilon))), scale, undefined) as T;
  });
}

function affine(y: tf.Tensor, scale: tf.Tensor | undefined, bias: tf.Tensor | undefined): tf.Tensor {
  const scaled = scale === undefined ? y : tf.mul(y, scale);
  return bias === undefined ? scaled : tf.add(scaled, bias);
}

function checkAffine(
  op: string,
  x: tf.Tensor,
  scale: tf.Tensor | undefined,
  bias: tf.Tensor | undefined,
): void {
  const size = x.shape[x.rank - 1];
  if (size === undefined) throw new ShapeError(`${op}: expected x of rank 1 or more, got a scalar.`);
  for (const [name, tensor] of [
    ['scale', scale],
    ['bias', bias],
  ] as const) {
    if (tensor !== undefined && (tensor.rank !== 1 || tensor.shape[0] !== size)) {
      throw new ShapeError(
        `${op}: expected ${name} of shape [${size}] for x [${x.shape}], got [${tensor.shape}]. Do config and checkpoint match?`,
      );
    }
  }
}
