import * as tf from '@tensorflow/tfjs';
import { ConfigError } from '../errors.js';
import { hasKernel, runKernel } from '../ops/fused-kernel.js';

/** Σ x² of one tensor, as a scalar. */
export function sumOfSquares(x: tf.Tensor): tf.Scalar {
  if (hasKernel('SumOfSquares')) return runKernel('SumOfSquares', { x })[0] as tf.Scalar;
  return tf.tidy(() => tf.sum(tf.square(x)));
}

/**
 * Σ x² of each tensor, float32 [n] in their order. The sums stay on the device: `normOf` takes them
 * once they have been read, and `updateScale` makes a scale of them.
 */
export function sumsOfSquares(tensors: Iterable<tf.Tensor>): tf.Tensor1D {
  return tf.tidy(() => {
    const sums = [...tensors].map(sumOfSquares);
    return sums.length === 0 ? tf.tensor1d([]) : (tf.stack(sums) as tf.Tensor1D);
  });
}

/**
 * The common L2 norm √Σ of the sums of `sumsOfSquares`, once these have been read. It is added up
 * in float64.
 */
export function normOf(squares: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < squares.length; i++) total += squares[i] as number;
  return Math.sqrt(total);
}

/**
 * The common L2 norm of gradients, √Σ g² over all of them, by one awaited read. NaN or infinite
 * gradients show in it. An update need not wait for it: `updateScale` clips and refuses without a
 * read.
 */
export async function globalNorm(grads: ReadonlyMap<string, tf.Tensor>): Promise<number> {
  const squares = sumsOfSquares(grads.values());
  const values = await squares.data();
  squares.dispose();
  return normOf(values);
}

/**
 * The factor by which gradients of that global norm are clipped to maxNorm: maxNorm/norm where norm
 * ≥ maxNorm, else 1.
 *
 * Throws ConfigError unless maxNorm is positive. Source: Pascanu et al. 2012, arXiv:1211.5063;
 * optax `clip_by_global_norm`.
 */
export function clipFactor(norm: number, maxNorm: number): number {
  if (!(maxNorm > 0)) throw new ConfigError(`clipFactor: expected a positive maxNorm, got ${maxNorm}.`);
  return norm < maxNorm ? 1 : maxNorm / norm;
}

/** What `updateScale` looks at beside the gradients. */
export interface UpdateScaleOptions {
  /**
   * The largest common norm of the gradients, to which they are clipped; null for none (default).
   */
  readonly maxNorm?: number | null;
  /**
   * Float32 tensors whose values must be finite too, such as losses, or the scale of an update that
   * must have been accepted. Default none.
   */
  readonly finite?: readonly tf.Tensor[];
}

/**
 * The scale of an update, for `Optimizer.apply`, from the gradients' sums of squares [n]
 * (`sumsOfSquares`). It is their `clipFactor`, or 1 without maxNorm. It is NaN, which refuses the
 * update, where a sum or one of `finite` is infinite or NaN.
 *
 * It is a float32 scalar that the caller disposes. Nothing is read: norm, factor and check stay on
 * the device. Throws ConfigError unless maxNorm is positive.
 */
export function updateScale(
  squares: tf.Tensor1D,
  { maxNorm = null, finite = [] }: UpdateScaleOptions = {},
): tf.Scalar {
  if (maxNorm !== null && !(maxNorm > 0))
    throw new ConfigError(`updateScale: expected a positive maxNorm, got ${maxNorm}.`);
  return tf.tidy(() => {
    const flat = finite.map((tensor) => tf.reshape(tensor, [tensor.size]) as tf.Tensor1D);
    const values = flat.length === 0 ? undefined : flat.length === 1 ? flat[0] : tf.concat1d(flat);
    if (hasKernel('UpdateScale'))
      return runKernel('UpdateScale', { squares, values }, { maxNorm: maxNorm ?? 0 })[0] as tf.Scalar;
    return plainUpdateScale(squares, values, maxNorm);
  });
}

/**
 * Smaller sums count as this when the norm is taken. It is about the least normal float32, since a
 * device may take smaller numbers for 0.
 */
const LEAST_UNIT = 1.2e-38;

/** updateScale without the kernel, in float32. Call inside tidy. */
export function plainUpdateScale(
  squares: tf.Tensor1D,
  values: tf.Tensor1D | undefined,
  maxNorm: number | null,
): tf.Scalar {
  const all = values === undefined ? squares : tf.concat1d([squares, values]);
  const allFinite = tf.all(tf.isFinite(all));
  let factor: tf.Tensor = tf.scalar(1);
  if (maxNorm !== null && squares.size > 0) {
    // Sums are counted in units of the largest, so that the total is finite where all sums are.
    const unit = tf.maximum(tf.max(squares), LEAST_UNIT);
    const norm = tf.mul(tf.sqrt(unit), tf.sqrt(tf.sum(tf.div(squares, unit))));
    factor = tf.minimum(tf.div(maxNorm, norm), 1);
  }
  return tf.where(allFinite, factor, tf.scalar(Number.NaN)) as tf.Scalar;
}

/** gradient·factor, or the gradient itself for a factor of 1. */
export function scaled(gradient: tf.Tensor, factor: number | tf.Scalar): tf.Tensor {
  return factor === 1 ? gradient : tf.mul(gradient, factor);
}

/** A scale as the input `scale` of an update's kernel, if it is a tensor. */
export function scaleInput(scale: number | tf.Scalar): { readonly scale?: tf.Scalar } {
  return typeof scale === 'number' ? {} : { scale };
}

/** A scale as the attribute `gradientScale` of an update's kernel; 1 if the scale is an input. */
export function scaleSetting(scale: number | tf.Scalar): { readonly gradientScale: number } {
  return { gradientScale: typeof scale === 'number' ? scale : 1 };
}

/**
 * What a variable or a state tensor becomes: `next` where an update's scale is a number, `before`
 * where it is NaN and the update is refused. All three are on the device. `next` and `before` have
 * one shape and dtype. Call it inside tidy.
 */
export function ifAccepted(scale: tf.Scalar, next: tf.Tensor, before: tf.Tensor): tf.Tensor {
  return hasKernel('IfAccepted')
    ? runKernel('IfAccepted', { scale, next, before })[0]
    : tf.where(tf.isNaN(scale), before, next);
}
