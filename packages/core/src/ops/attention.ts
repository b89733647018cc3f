import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../errors.js';
import { gradientsOf, hasKernel, registerGradientOnce, runKernel } from './fused-kernel.js';
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
  /** Whether query t looks at keys 0 … firstQuery + t alone: a mask that costs nothing, and halves the work. */
  readonly causal?: boolean;
  /** Place of query 0 among the keys, for `causal` (default 0). */
  readonly firstQuery?: number;
}

/** The options as the kernels take them. */
type KernelSettings = {
  readonly heads: number;
  readonly scale: number;
  readonly keyLength: number;
  readonly causal: boolean;
  readonly firstQuery: number;
};

/**
 * Multi-head attention without its projections: softmax(scale·q·kᵀ + bias)·v for each head.
 *
 * q: float32 [B, T, D]; k, v: [B, S, D], heads side by side (column n·K + k belongs to head n); result [B, T, D].
 * Where the backend has the kernels, neither direction stores the [T, S] scores (arXiv:2205.14135); derivatives of derivatives take the plain form.
 * Throws ShapeError if sizes do not fit. Source: Vaswani et al. 2017, arXiv:1706.03762 §3.2.
 */
export function attention(
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  v: tf.Tensor3D,
  options: AttentionOptions,
): tf.Tensor3D {
  checkAttention(q, k, v, options);
  if (!hasKernel('Attention')) return plainAttention(q, k, v, options);
  const { bias } = options;
  return tf.tidy(() => {
    // The gradient reads its settings from the tape and two numbers of each row from the second output.
    const settings = { ...kernelSettings(q, k, options), withStats: tapeIsOn() };
    const [y] =
      bias === undefined
        ? runKernel('Attention', { q, k, v }, settings)
        : runKernel('BiasedAttention', { q, k, v, bias }, settings);
    return y as tf.Tensor3D;
  });
}

function kernelSettings(q: tf.Tensor3D, k: tf.Tensor3D, options: AttentionOptions): KernelSettings {
  const { heads, scale = 1 / Math.sqrt(q.shape[2] / heads), keyLength = k.shape[1] } = options;
  const { causal = false, firstQuery = 0 } = options;
  return { heads, scale, keyLength, causal, firstQuery };
}

registerGradientOnce({
  kernelName: 'Attention',
  inputsToSave: ['q', 'k', 'v'],
  outputsToSave: [true, true],
  gradFunc: (dys, saved, attrs) => {
    const [q, k, v, y, stats] = saved as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D, tf.Tensor, tf.Tensor];
    const dy = (dys as tf.Tensor[])[0] as tf.Tensor;
    const settings = attrs;
    const plain = (...[q, k, v]: tf.Tensor[]): tf.Tensor =>
      plainAttention(q as tf.Tensor3D, k as tf.Tensor3D, v as tf.Tensor3D, settings);
    const fused = () => runKernel('AttentionGrad', { dy, q, k, v, y, stats }, settings);
    const [dq, dk, dv] = gradientsOf(fused, plain, [q, k, v], dy) as [tf.Tensor, tf.Tensor, tf.Tensor];
    return { q: () => dq, k: () => dk, v: () => dv };
  },
});

registerGradientOnce({
  kernelName: 'BiasedAttention',
  inputsToSave: ['q', 'k', 'v', 'bias'],
  outputsToSave: [true, true],
  gradFunc: (dys, saved, attrs) => {
    const [q, k, v, bias, y, stats] = saved as [
      tf.Tensor3D,
      tf.Tensor3D,
      tf.Tensor3D,
      tf.Tensor4D,
      tf.Tensor,
      tf.Tensor,
    ];
    const dy = (dys as tf.Tensor[])[0] as tf.Tensor;
    const settings = attrs;
    const plain = (...[q, k, v, bias]: tf.Tensor[]): tf.Tensor =>
      plainAttention(q as tf.Tensor3D, k as tf.Tensor3D, v as tf.Tensor3D, {
        ...settings,
        bias: bias as tf.Tensor4D,
      });
    const inputs = { dy, q, k, v, bias, y, stats };
    const fused = () => runKernel('AttentionGrad', inputs, settings);
    const parts = gradientsOf(fused, plain, [q, k, v, bias], dy);
    const [dq, dk, dv, dbias] = parts as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor?];
    // Most biases are masks, whose gradient nobody asks for: it is computed when it is.
    const ofBias = () => dbias ?? runKernel('AttentionBiasGrad', inputs, settings)[0];
    return { q: () => dq, k: () => dk, v: () => dv, bias: ofBias };
  },
});

/** attention in tfjs operations. */
export function plainAttention(
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  v: tf.Tensor3D,
  options: AttentionOptions,
): tf.Tensor3D {
  const [batch, queries, width] = q.shape;
  const { heads, scale, keyLength, causal, firstQuery } = kernelSettings(q, k, options);
  const { bias } = options;
  return tf.tidy(() => {
    const split = (x: tf.Tensor3D, length: number): tf.Tensor => {
      const used = x.shape[1] === length ? x : tf.slice(x, [0, 0, 0], [-1, length, -1]);
      return tf.transpose(tf.reshape(used, [batch, length, heads, width / heads]), [0, 2, 1, 3]);
    };
    let scores: tf.Tensor = tf.mul(tf.matMul(split(q, queries), split(k, keyLength), false, true), scale); // [B, N, T, S]
    if (bias !== undefined) {
      const used = bias.shape[3] === keyLength ? bias : tf.slice(bias, [0, 0, 0, 0], [-1, -1, -1, keyLength]);
      scores = tf.add(scores, used);
    }
    // −∞ is safe, as each query sees a key; a large negative number would tie with a bias that masks all it sees.
    if (causal) {
      const hidden = tf.fill(scores.shape, Number.NEGATIVE_INFINITY);
      scores = tf.where(seenKeys(queries, keyLength, firstQuery), scores, hidden);
    }
    const mixed = tf.matMul(tf.softmax(scores), split(v, keyLength)); // [B, N, T, K]
    return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch, queries, width]) as tf.Tensor3D;
  });
}

/** bool [1, 1, T, S]: whether query t looks at key s under the causal mask. */
function seenKeys(queries: number, keys: number, firstQuery: number): tf.Tensor {
  const seen = new Uint8Array(queries * keys);
  for (let t = 0; t < queries; t++) seen.fill(1, t * keys, t * keys + Math.min(keys, firstQuery + t + 1));
  return tf.tensor(seen, [1, 1, queries, keys], 'bool');
}

function checkAttention(q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D, options: AttentionOptions): void {
  const { heads, bias, keyLength, firstQuery = 0 } = options;
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
  if (!(Number.isInteger(firstQuery) && firstQuery >= 0)) {
    throw new ShapeError(`attention: expected firstQuery to be an integer from 0, got ${firstQuery}.`);
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
