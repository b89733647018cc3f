import * as tf from '@tensorflow/tfjs';
import { ConfigError } from '../errors.js';
import { hasKernel, runKernel } from '../ops/fused-kernel.js';

/** The common L2 norm of gradients: √Σ g² over all of them. NaN or infinite gradients show there. */
export function globalNorm(grads: ReadonlyMap<string, tf.Tensor>): number {
  const squares = tf.tidy(() => {
    const sums = [...grads.values()].map(sumOfSquares);
    return sums.length === 0 ? [0] : Array.from(tf.stack(sums).dataSync());
  });
  return Math.sqrt(squares.reduce((total, square) => total + square, 0));
}

/**
 * What gradients of that global norm are multiplied by so that it is at most maxNorm: maxNorm/norm where norm ≥ maxNorm, else 1.
 *
 * Throws ConfigError unless maxNorm is positive. Source: Pascanu et al. 2012, arXiv:1211.5063; optax `clip_by_global_norm`.
 */
export function clipFactor(norm: number, maxNorm: number): number {
  if (!(maxNorm > 0)) throw new ConfigError(`clipFactor: expected a positive maxNorm, got ${maxNorm}.`);
  return norm < maxNorm ? 1 : maxNorm / norm;
}

/**
 * Gradients scaled together by `clipFactor`. Returns new tensors (the given ones stay the caller's) and the norm before clipping. An optimizer's
 * `apply` takes the factor itself, which saves these tensors.
 */
export function clipByGlobalNorm(
  grads: ReadonlyMap<string, tf.Tensor>,
  maxNorm: number,
): { readonly grads: Map<string, tf.Tensor>; readonly norm: number } {
  if (!(maxNorm > 0)) throw new ConfigError(`clipByGlobalNorm: expected a positive maxNorm, got ${maxNorm}.`);
  const norm = globalNorm(grads);
  const factor = clipFactor(norm, maxNorm);
  const clipped = [...grads].map(([name, gradient]): [string, tf.Tensor] => [
    name,
    factor === 1 ? tf.clone(gradient) : tf.mul(gradient, factor),
  ]);
  return { grads: new Map(clipped), norm };
}

/** gradient·factor; the gradient itself for 1. */
export function scaled(gradient: tf.Tensor, factor: number): tf.Tensor {
  return factor === 1 ? gradient : tf.mul(gradient, factor);
}

/** Σ x², a scalar. */
function sumOfSquares(x: tf.Tensor): tf.Tensor {
  if (hasKernel('SumOfSquares')) return runKernel('SumOfSquares', { x })[0];
  return tf.sum(tf.square(x));
}
