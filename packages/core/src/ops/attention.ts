import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../errors.js';
import { hasKernel, runKernel } from './fused-kernel.js';
import { tapeIsOn } from './tape.js';

/** Settings of `attention`. */
export interface AttentionOptions {
  /** N; D must be a multiple of it. */
  readonly heads: number;
  /** Factor of q·k; default 1/√K, K = D / heads. */
  readonly scale?: number;
  /** Added to the scaled scores before softmax: [1 or B, 1 or N, 1 or T, S]. Masks use a large negative number, not −Infinity. */
  readonly bias?: tf.Tensor4D;
  /** Use only the first keyLength keys and values (default S): a cache that is not full yet. */
  readonly keyLength?: number;
}

/**
 * Multi-head attention without its projections: softmax(scale·q·kᵀ + bias)·v for each head.
 *
 * q: float32 [B, T, D]; k, v: [B, S, D], heads side by side (column n·K + k belongs to head n); result [B, T, D].
 * Throws ShapeError if sizes do not fit. Source: Vaswani et al. 2017, arXiv:1706.03762 §3.2.
 */
export function attention(
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  v: tf.Tensor3D,
  options: AttentionOptions,
): tf.Tensor3D {
  checkAttention(q, k, v, options);
  // The kernel has no gradient: under a tape the plain form runs.
  if (!hasKernel('Attention') || tapeIsOn()) return plainAttention(q, k, v, options);
  const { heads, bias, scale = 1 / Math.sqrt(q.shape[2] / heads), keyLength = k.shape[1] } = options;
  return runKernel('Attention', { q, k, v, bias }, { heads, scale, keyLength })[0] as tf.Tensor3D;
}

/** attention in tfjs operations. */
export function plainAttention(
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  v: tf.Tensor3D,
  options: AttentionOptions,
): tf.Tensor3D {
  const [batch, queries, width] = q.shape;
  const { heads, scale = 1 / Math.sqrt(width / heads), bias, keyLength = k.shape[1] } = options;
  return tf.tidy(() => {
    const split = (x: tf.Tensor3D, length: number): tf.Tensor => {
      const used = x.shape[1] === length ? x : tf.slice(x, [0, 0, 0], [-1, length, -1]);
      return tf.transpose(tf.reshape(used, [batch, length, heads, width / heads]), [0, 2, 1, 3]);
    };
    const scores = tf.mul(tf.matMul(split(q, queries), split(k, keyLength), false, true), scale); // [B, N, T, S]
    let biased = scores;
    if (bias !== undefined) {
      const used = bias.shape[3] === keyLength ? bias : tf.slice(bias, [0, 0, 0, 0], [-1, -1, -1, keyLength]);
      biased = tf.add(scores, used);
    }
    const mixed = tf.matMul(tf.softmax(biased), split(v, keyLength)); // [B, N, T, K]
    return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch, queries, width]) as tf.Tensor3D;
  });
}

function checkAttention(q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D, options: AttentionOptions): void {
  const { heads, bias, keyLength } = options;
  const shapes = `q [${q.shape}], k [${k.shape}], v [${v.shape}]`;
  if (q.rank !== 3 || k.rank !== 3 || v.rank !== 3) {
    throw new ShapeError(`attention: expected q [B, T, D] and k, v [B, S, D], got ${shapes}.`);
  }
  const [batch, queries, width] = q.shape;
  const keys = k.shape[1];
  const kShape = [batch, keys, width];
  if (`${k.shape}` !== `${kShape}` || `${v.shape}` !== `${kShape}`) {
    throw new ShapeError(
      `attention: expected k and v [${batch}, S, ${width}] for q [${q.shape}], got ${shapes}.`,
    );
  }
  if (!(heads >= 1) || width % heads !== 0) {
    throw new ShapeError(
      `attention: expected a width that is a multiple of the heads, got ${width} and ${heads} heads.`,
    );
  }
  if (keyLength !== undefined && !(Number.isInteger(keyLength) && keyLength >= 1 && keyLength <= keys)) {
    throw new ShapeError(`attention: expected keyLength from 1 to ${keys}, got ${keyLength}.`);
  }
  if (bias !== undefined) {
    const full = [batch, heads, queries];
    const fits =
      bias.rank === 4 &&
      full.every((size, axis) => bias.shape[axis] === 1 || bias.shape[axis] === size) &&
      (bias.shape[3] === keys || bias.shape[3] === keyLength);
    if (!fits) {
      throw new ShapeError(
        `attention: expected bias [1 or ${batch}, 1 or ${heads}, 1 or ${queries}, ${keys}], got [${bias.shape}].`,
      );
    }
  }
}
