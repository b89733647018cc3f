import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../errors.js';

const POWER_ITERATIONS = 100;
const POWER_TOLERANCE = 1e-6;
const NEWTON_ITERATIONS = 100;
const NEWTON_TOLERANCE = 1e-6;
/** The largest factor by which the error may grow from one iteration to the next. */
const LARGEST_GROWTH = 1.2;
const RIDGE = 1e-6;
const LEAST_EIGENVALUE = 1e-6;

/** An inverse root, and how far the iteration came. */
export interface InverseRoot {
  /** float32 [n, n]. The caller disposes it. */
  readonly root: tf.Tensor2D;
  /**
   * max |M − I| at the end; NaN for a matrix with NaN. It says nothing about the root of an
   * ill-conditioned matrix.
   */
  readonly error: number;
}

/**
 * (S + ridge·I)^(−1/p) of a symmetric positive semidefinite matrix S, float32 [n, n], by the
 * coupled Newton iteration
 *
 *     z = (1 + p)/(2‖A‖)    M ← z·A    H ← z^(1/p)·I
 *     then  T = (1 − α)·I + α·M,  M ← Tᵖ·M,  H ← H·T,  α = −1/p
 *
 * with A = S + ridge·I and ridge = 1e-6·max(λ, 1e-6). λ is the largest eigenvalue by power
 * iteration.
 *
 * `paddedSize` (default n) makes it compute as if S stood in the corner of an identity of that
 * size, as the original does. The rest of such a matrix stays a multiple of the identity, so two
 * numbers stand for it. It enters λ, the norm and the error.
 *
 * Each iteration waits for one read of its error, which decides whether there is another. S must
 * not change meanwhile. Throws ShapeError if S is not square or larger than `paddedSize`. Source:
 * dalle-mini `scalable_shampoo/distributed_shampoo.py`, matrix_inverse_pth_root and
 * power_iteration; Higham and others, the iteration of arXiv:2002.09018 §5.
 */
export async function inversePthRoot(
  matrix: tf.Tensor2D,
  p: number,
  paddedSize = matrix.shape[0],
): Promise<InverseRoot> {
  const [n, columns] = matrix.shape;
  if (n !== columns || n > paddedSize) {
    throw new ShapeError(
      `inversePthRoot: expected a square matrix of at most ${paddedSize} rows, got [${matrix.shape}].`,
    );
  }
  const padding = paddedSize - n;
  const ridge = fround(RIDGE * larger(await largestEigenvalue(matrix, padding), LEAST_EIGENVALUE));
  if (paddedSize === 1) {
    return { root: tf.tidy(() => tf.pow(tf.add(matrix, ridge), -1 / p) as tf.Tensor2D), error: 0 };
  }
  const identity = tf.eye(n);
  const kept: tf.Tensor[] = [identity];
  const alpha = -1 / p;
  try {
    const m = tf.tidy(() => tf.add(matrix, tf.mul(identity, ridge)) as tf.Tensor2D);
    kept.push(m);
    const squares = await number(tf.tidy(() => tf.sum(tf.square(m))));
    const norm = fround(Math.sqrt(fround(squares + padding * fround(1 + ridge) ** 2)));
    // This rounds as the original does: one ulp of z moves the roots of an ill-conditioned matrix
    // by many.
    const z = fround((1 + p) / fround(2 * norm));
    let power = tf.tidy(() => tf.mul(m, z) as tf.Tensor2D);
    kept.pop()?.dispose();
    let root = tf.tidy(() => tf.mul(identity, z ** (1 / p)) as tf.Tensor2D);
    let before = root.clone();
    kept.push(power, root, before);
    let paddedPower = fround(fround(1 + ridge) * z);
    const distance = async (): Promise<number> => {
      const inside = await number(tf.tidy(() => tf.max(tf.abs(tf.sub(power, identity)))));
      return padding > 0 ? larger(inside, Math.abs(fround(paddedPower - 1))) : inside;
    };
    let error = await distance();
    let converging = true;
    for (let i = 0; i < NEWTON_ITERATIONS && error > NEWTON_TOLERANCE && converging; i++) {
      const [nextPower, nextRoot] = tf.tidy(() => {
        const step = tf.add(tf.mul(identity, 1 - alpha), tf.mul(power, alpha)) as tf.Tensor2D;
        return [tf.matMul(matrixPower(step, p), power), tf.matMul(root, step)] as [tf.Tensor2D, tf.Tensor2D];
      });
      const paddedStep = fround(1 - alpha + alpha * paddedPower);
      paddedPower = fround(paddedStep ** p * paddedPower);
      tf.dispose([power, before]);
      before = root;
      power = nextPower;
      root = nextRoot;
      kept.splice(1, 3, power, root, before);
      const next = await distance();
      converging = next < error * LARGEST_GROWTH;
      error = next;
    }
    const result = converging ? root : before;
    kept.splice(kept.indexOf(result), 1);
    return { root: result, error };
  } finally {
    tf.dispose(kept);
  }
}

/**
 * The largest eigenvalue of a matrix padded with `padding` rows of the identity. It is the Rayleigh
 * quotient of at most 100 power iterations from the original's start vector, until two differ by
 * 1e-6 or less. The first is compared with 0.
 */
async function largestEigenvalue(matrix: tf.Tensor2D, padding: number): Promise<number> {
  const n = matrix.shape[0];
  const start = powerIterationStart(n + padding);
  let vector = tf.tensor2d(start.slice(0, n), [n, 1]);
  let inside = await number(tf.tidy(() => tf.sum(tf.square(vector))));
  // The padding's part of the vector stays a multiple of its start. Only its length matters.
  let paddedSquares = start.slice(n).reduce((sum, x) => sum + x * x, 0);
  let eigenvalue = 0;
  for (let i = 0; i < POWER_ITERATIONS; i++) {
    const squares = inside + paddedSquares;
    const [image, told] = tf.tidy(() => {
      const unit = tf.div(vector, fround(Math.sqrt(squares))) as tf.Tensor2D;
      const product = tf.matMul(matrix, unit);
      return [product, tf.stack([tf.sum(tf.mul(unit, product)), tf.sum(tf.square(product))])];
    }) as [tf.Tensor2D, tf.Tensor];
    vector.dispose();
    vector = image;
    const [quotient, imageSquares] = (await told.data()) as unknown as [number, number];
    told.dispose();
    inside = imageSquares;
    paddedSquares /= squares;
    const next = fround(quotient + paddedSquares);
    const change = Math.abs(next - eigenvalue);
    eigenvalue = next;
    if (!(change > POWER_TOLERANCE)) break;
  }
  vector.dispose();
  return eigenvalue;
}

/** A^p for a whole number p ≥ 1, by repeated squaring. Call inside tidy. */
function matrixPower(a: tf.Tensor2D, p: number): tf.Tensor2D {
  let result: tf.Tensor2D | undefined;
  let square = a;
  for (let left = p; left > 0; left = left >> 1) {
    if (left & 1) result = result === undefined ? square : tf.matMul(result, square);
    if (left > 1) square = tf.matMul(square, square);
  }
  return result as tf.Tensor2D;
}

/** The seed of the start vector: the original's `numpy.random.RandomState(1729)`. */
const START_SEED = 1729;
let startVector: Float32Array = new Float32Array(0);

/** The first n values of numpy's RandomState(1729).uniform(−1, 1), as float32. */
export function powerIterationStart(n: number): Float32Array {
  if (startVector.length < n) startVector = mersenneTwisterUniform(START_SEED, Math.max(n, 1024));
  return startVector.slice(0, n);
}

/**
 * n doubles of 53 bits in [−1, 1) from MT19937, rounded to float32, as numpy's legacy generator
 * draws them. Source: Matsumoto and Nishimura 1998, doi:10.1145/272991.272995, and their
 * genrand_res53.
 */
function mersenneTwisterUniform(seed: number, n: number): Float32Array {
  const size = 624;
  const shift = 397;
  const state = new Uint32Array(size);
  state[0] = seed;
  for (let i = 1; i < size; i++) {
    const last = state[i - 1] as number;
    state[i] = Math.imul(1812433253, last ^ (last >>> 30)) + i;
  }
  let position = size;
  const draw = (): number => {
    if (position === size) {
      for (let i = 0; i < size; i++) {
        const y = ((state[i] as number) & 0x80000000) | ((state[(i + 1) % size] as number) & 0x7fffffff);
        state[i] = (state[(i + shift) % size] as number) ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      position = 0;
    }
    let y = state[position++] as number;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
  return Float32Array.from({ length: n }, () => {
    const high = draw() >>> 5;
    const low = draw() >>> 6;
    return -1 + 2 * ((high * 67108864 + low) / 9007199254740992);
  });
}

const { fround } = Math;

/** The larger of two numbers; NaN if either is NaN. */
function larger(a: number, b: number): number {
  return Math.max(a, b);
}

/** The value of a scalar. Disposes the scalar. */
async function number(scalar: tf.Tensor): Promise<number> {
  const [value] = await scalar.data();
  scalar.dispose();
  return value as number;
}
