import * as tf from '@tensorflow/tfjs';

/** The factors of a sum over the steps: one of the old sum, one of what is added. */
export interface SumWeights {
  readonly old: number;
  readonly fresh: number;
}

/** The factors of a mean that decays by beta2; for beta2 = 1, of a plain sum. */
export function sumWeights(beta2: number): SumWeights {
  return beta2 === 1 ? { old: 1, fresh: 1 } : { old: beta2, fresh: 1 - beta2 };
}

/**
 * old·S + fresh·G. G is the products of a block with itself over all axes but one: float32 [n, n]
 * for an axis of n.
 *
 * Source: dalle-mini `scalable_shampoo/distributed_shampoo.py`,
 * Preconditioner.updated_statistics_from_grad.
 */
export function plusGram(
  sum: tf.Tensor,
  block: tf.Tensor,
  axis: number,
  { old, fresh }: SumWeights,
): tf.Tensor2D {
  return tf.tidy(() => tf.add(tf.mul(sum, old), tf.mul(gram(block, axis), fresh)));
}

/** The products of a block with itself over all axes but one. Call it inside tidy. */
function gram(block: tf.Tensor, axis: number): tf.Tensor2D {
  const order = [axis, ...block.shape.map((_, i) => i).filter((i) => i !== axis)];
  const rows = axis === 0 ? block : tf.transpose(block, order);
  return rowProducts(tf.reshape(rows, [block.shape[axis] as number, -1]) as tf.Tensor2D);
}

/**
 * Matrices with fewer rows are multiplied whole, since halves of them are too small for fast
 * products.
 */
const LEAST_ROWS_TO_HALVE = 512;

/**
 * A·Aᵀ. The part below the diagonal is a copy, which leaves 5/8 of the arithmetic for 1,024 rows.
 */
function rowProducts(a: tf.Tensor2D): tf.Tensor2D {
  const [n, width] = a.shape;
  if (n < LEAST_ROWS_TO_HALVE) return tf.matMul(a, a, false, true);
  const half = Math.ceil(n / 2);
  const top = tf.slice2d(a, [0, 0], [half, width]);
  const bottom = tf.slice2d(a, [half, 0], [n - half, width]);
  const mixed = tf.matMul(top, bottom, false, true) as tf.Tensor2D;
  return tf.concat2d(
    [
      tf.concat2d([rowProducts(top), mixed], 1),
      tf.concat2d([tf.transpose<tf.Tensor2D>(mixed), rowProducts(bottom)], 1),
    ],
    0,
  );
}
