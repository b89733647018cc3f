import * as tf from '@tensorflow/tfjs';
import { hasKernel, runKernel } from './fused-kernel.js';
import { type TapeNode, unrecorded } from './tape.js';

/**
 * x with its values rounded to bfloat16, the upper half of a float32. The result is an ordinary
 * float32 tensor, which the native backend holds in two bytes a value. Operations compute on it in
 * float32 as ever. It has no gradient.
 *
 * Values are rounded to the nearest, ties to even. With a seed (a whole number below 2³²) they are
 * rounded by chance, in proportion to the distances of both neighbours. Then the mean is the value,
 * and steps smaller than the distance aren't lost. The same seed gives the same values on every
 * backend. ±∞ and NaN stay.
 */
export function toBfloat16<T extends tf.Tensor>(x: T, seed: number | null = null): T {
  return hasKernel('Narrow')
    ? (runKernel('Narrow', { x }, seed === null ? {} : { seed })[0] as T)
    : plainToBfloat16(x, seed);
}

/**
 * toBfloat16 without the kernel. Its arithmetic is exact in float32, and nothing is read.
 *
 * A value is t units of the last digit that bfloat16 has there. It becomes ⌊t⌋ units or one more.
 * With a seed it becomes one more if the rest above ⌊t⌋ is at least 1 − chance; the chance is the
 * kernel's, hashed from seed and place (native/kernels/bfloat16/bfloat16.h). Otherwise it goes to
 * the nearest.
 */
export function plainToBfloat16<T extends tf.Tensor>(x: T, seed: number | null): T {
  return tf.tidy(() => {
    const size = tf.abs(x);
    // Values are scaled into a range where no product overflows and no unit is below the least
    // normal number. The factors are powers of two, which are exact.
    const isLarge = tf.greaterEqual(size, 2 ** 64);
    const isSmall = tf.less(size, 2 ** -64);
    const within = tf.where(isLarge, tf.mul(size, 2 ** -64), tf.where(isSmall, tf.mul(size, 2 ** 64), size));
    const unit = lastDigit(within, isSmall);
    const units = tf.div(within, unit);
    const whole = tf.floor(units);
    const rest = tf.sub(units, whole); // in steps of 2⁻¹⁶
    const isMore =
      seed === null
        ? tf.logicalOr(tf.greater(rest, 0.5), tf.logicalAnd(tf.equal(rest, 0.5), isOdd(whole)))
        : tf.greaterEqual(rest, tf.reshape(leastRests(seed, x.size), x.shape));
    const rounded = tf.mul(tf.add(whole, tf.cast(isMore, 'float32')), unit);
    const scaled = tf.where(
      isLarge,
      tf.mul(rounded, 2 ** 64),
      tf.where(isSmall, tf.mul(rounded, 2 ** -64), rounded),
    );
    // Zeros with their sign, ∞ and NaN stay what they are.
    const isNumber = tf.logicalAnd(tf.isFinite(x), tf.notEqual(x, 0));
    return tf.where(isNumber, tf.where(tf.less(x, 0), tf.neg(scaled), scaled), x) as T;
  });
}

/** Whether each whole number, from 0 on, is odd. */
function isOdd(whole: tf.Tensor): tf.Tensor {
  return tf.greater(tf.sub(whole, tf.mul(tf.floor(tf.mul(whole, 0.5)), 2)), 0);
}

/**
 * The unit of the last digit, for scaled sizes: 2⁻⁷ of the power of two below each. For sizes that
 * were scaled up it is at least the unit of bfloat16's smallest numbers.
 */
function lastDigit(size: tf.Tensor, isScaledUp: tf.Tensor): tf.Tensor {
  // Veltkamp's splitting: (2²³ + 1)·a − ((2²³ + 1)·a − a) is a rounded to its first digit.
  const spread = tf.mul(size, 2 ** 23 + 1);
  const near = tf.sub(spread, tf.sub(spread, size));
  const power = tf.where(tf.greater(near, size), tf.mul(near, 0.5), near);
  const unit = tf.mul(power, 2 ** -7);
  return tf.where(isScaledUp, tf.maximum(unit, 2 ** (64 - 133)), unit);
}

/**
 * The least rest above ⌊t⌋ at which a value becomes one unit more: 1 − chance, in steps of 2⁻¹⁶.
 */
function leastRests(seed: number, count: number): tf.Tensor1D {
  const half = Math.ceil(count / 2);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const bits = hash((seed + (i % half)) >>> 0);
    values[i] = 1 - (i < half ? bits & 0xffff : bits >>> 16) / 2 ** 16;
  }
  return tf.tensor1d(values);
}

/** 32 bits from 32 bits: "lowbias32" (Chris Wellons, hash-prospector). */
function hash(x: number): number {
  let y = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  y = Math.imul(y ^ (y >>> 15), 0x846ca68b);
  return (y ^ (y >>> 16)) >>> 0;
}

/**
 * Smaller tensors stay as they are: a norm's means, and attention's sums, of which the gradient
 * needs every digit.
 */
const LEAST_SIZE = 4096;

/**
 * Keeps what a forward pass saves for its gradient in bfloat16. It is shown each node of the tape
 * as the node is recorded. It acts only where the backend holds such tensors narrow. Weights,
 * integers and small tensors stay. So does what the newest node saves (the logits), which the
 * backward pass asks for first.
 */
export class NarrowSaving {
  /** The data of weights, which are in memory anyway. */
  private readonly weights: ReadonlySet<object>;
  /** The narrow form of data that several nodes save. */
  private readonly narrow = new WeakMap<object, tf.Tensor>();
  private newest: TapeNode | undefined;

  constructor() {
    const variables = Object.values(tf.engine().registeredVariables);
    this.weights = new Set(variables.map(({ dataId }) => dataId));
  }

  readonly see = (node: TapeNode): void => {
    if (!node.saved?.some((tensor) => this.isLarge(tensor)) || !hasKernel('Narrow')) return;
    const before = this.newest;
    this.newest = node;
    if (before?.saved === undefined) return;
    // This is the array that the node's gradient function reads.
    const saved = before.saved as tf.Tensor[];
    for (const [i, tensor] of saved.entries()) if (this.isLarge(tensor)) saved[i] = this.narrowed(tensor);
  };

  private isLarge(tensor: tf.Tensor): boolean {
    return tensor.dtype === 'float32' && tensor.size >= LEAST_SIZE && !this.weights.has(tensor.dataId);
  }

  /**
   * The tensor's narrow form, to take its place. Other nodes' tensors of the same data share it.
   */
  private narrowed(tensor: tf.Tensor): tf.Tensor {
    const found = this.narrow.get(tensor.dataId);
    const result = unrecorded(() => {
      const narrow = found === undefined || found.isDisposed ? toBfloat16(tensor) : found;
      return tf.keep(tf.reshape(narrow, tensor.shape));
    });
    if (found === undefined || found.isDisposed) this.narrow.set(tensor.dataId, result);
    tensor.dispose();
    return result;
  }
}
