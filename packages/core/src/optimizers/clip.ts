import * as tf from '@tensorflow/tfjs';
import { ConfigError } from '../errors.js';

/**
 * Gradients scaled together so that their common L2 norm is at most maxNorm: g·maxNorm/norm where norm ≥ maxNorm, else as they are.
 *
 * Returns new tensors (the given ones stay the caller's) and the norm before clipping; NaN or infinite gradients show there.
 * Throws ConfigError unless maxNorm is positive. Source: Pascanu et al. 2012, arXiv:1211.5063; optax `clip_by_global_norm`.
 */
export function clipByGlobalNorm(
  grads: ReadonlyMap<string, tf.Tensor>,
  maxNorm: number,
): { readonly grads: Map<string, tf.Tensor>; readonly norm: number } {
  if (!(maxNorm > 0)) throw new ConfigError(`clipByGlobalNorm: expected a positive maxNorm, got ${maxNorm}.`);
  const squares = tf.tidy(() => {
    const sums = [...grads.values()].map((gradient) => tf.sum(tf.square(gradient)));
    return sums.length === 0 ? [0] : Array.from(tf.stack(sums).dataSync());
  });
  const norm = Math.sqrt(squares.reduce((total, square) => total + square, 0));
  const clipped = [...grads].map(([name, gradient]): [string, tf.Tensor] => [
    name,
    norm < maxNorm ? tf.clone(gradient) : tf.mul(gradient, maxNorm / norm),
  ]);
  return { grads: new Map(clipped), norm };
}
