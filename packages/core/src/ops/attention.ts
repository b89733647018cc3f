import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../errors.js';
import { embedding } from './embedding.js';
import { gradientsOf, hasKernel, registerGradientOnce, runKernel } from './fused-kernel.js';
import { tapeIsOn } from './tape.js';

/**
 * Settings of `attention`. Where rows have numbers of their own, these are int32 [B] tensors, so
 * that rows at different places can share a call.
 */
export interface AttentionOptions {
  /** N. D must be a multiple of it. */
  readonly heads: number;
  /** The factor of q·k. Default 1/√K with K = D / heads. */
  readonly scale?: number;
  /**
   * A tensor added to the scaled scores before softmax: [1 or B, 1 or N, 1 or T, S]. Masks use a
   * large negative number, not −Infinity.
   */
  readonly bias?: tf.Tensor4D;
  /**
   * How many of the first keys and values count (default S), for a cache that is not full yet. One
   * number for all rows, or int32 [B], each from 1 to S.
   */
  readonly keyLength?: number | tf.Tensor1D;
  /**
   * Whether query t looks only at keys 0 … firstQuery + t. This mask costs nothing, and halves the
   * work.
   */
  readonly causal?: boolean;
  /**
   * The place of query 0 among the keys, for `causal` (default 0). One number for all rows, or
   * int32 [B], each at least 0.
   */
  readonly firstQuery?: number | tf.Tensor1D;
  /**
   * The row of k and v that each row of q looks at: int32 [B], each from 0 to E − 1. k and v are
   * then [E, S, D]. By default row b looks at row b.
   */
  readonly keyRows?: tf.Tensor1D;
}

/** The settings that are one number for all rows, as the kernels take them. */
type KernelSettings = {
  readonly heads: number;
  readonly scale: number;
  readonly keyLength: number;
  readonly causal: boolean;
  readonly firstQuery: number;
};

/**
 * Multi-head attention without its projections: softmax(scale·q·kᵀ + bias)·v for each head. Source:
 * Vaswani et al. 2017, arXiv:1706.03762 §3.2.
 *
 * q is float32 [B, T, D]; k and v are [B, S, D], or [E, S, D] with keyRows. Heads lie side by side:
 * column n·K + k belongs to head n. The result is [B, T, D]. Where the backend has the kernels,
 * neither direction stores the [T, S] scores (arXiv:2205.14135). Gradients with numbers of rows,
 * and derivatives of derivatives, take the plain form.
 *
 * With numbers of rows, a row's result does not depend on the rows beside it; on the native backend
 * that holds to the last bit. Only the native kernel checks their values, since reading them
 * elsewhere would wait for the device. Throws ShapeError if sizes do not fit.
 */
export function attention(
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  v: tf.Tensor3D,
  options: AttentionOptions,
): tf.Tensor3D {
  checkAttention(q, k, v, options);
  const { bias, keyRows } = options;
  const [keyLengths, firstQueries] = [ofRows(options.keyLength), ofRows(options.firstQuery)];
  const hasRows = (keyLengths ?? firstQueries ?? keyRows) !== undefined;
  if (!hasKernel('Attention') || (hasRows && tapeIsOn())) return plainAttention(q, k, v, options);
  const inputs = { q, k, v, keyLengths, firstQueries, keyRows };
  return tf.tidy(() => {
    // The gradient reads its settings from the tape, and two numbers of each row from the second
    // output.
    const settings = { ...kernelSettings(q, k, options), withStats: tapeIsOn() };
    const [y] =
      bias === undefined
        ? runKernel('Attention', inputs, settings)
        : runKernel('BiasedAttention', { ...inputs, bias }, settings);
    return y as tf.Tensor3D;
  });
}

function kernelSettings(q: tf.Tensor3D, k: tf.Tensor3D, options: AttentionOptions): KernelSettings {
  const { heads, scale = 1 / Math.sqrt(q.shape[2] / heads), keyLength, causal = false, firstQuery } = options;
  return {
    heads,
    scale,
    keyLength: typeof keyLength === 'number' ? keyLength : k.shape[1],
    causal,
    firstQuery: typeof firstQuery === 'number' ? firstQuery : 0,
  };
}

/** The numbers of rows, or undefined if the option is one number for all. */
function ofRows(option: number | tf.Tensor1D | undefined): tf.Tensor1D | undefined {
  return typeof option === 'number' ? undefined : option;
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
    // Most biases are masks, and nobody asks for their gradient. It is computed on demand.
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
  const { heads, scale, keyLength, causal } = kernelSettings(q, k, options);
  const { bias, keyRows } = options;
  return tf.tidy(() => {
    const split = (x: tf.Tensor3D, length: number, rows?: tf.Tensor1D): tf.Tensor => {
      const cut = x.shape[1] === length ? x : tf.slice(x, [0, 0, 0], [-1, length, -1]);
      const used = rows ? embedding(tf.reshape(cut, [cut.shape[0], length * width]), rows) : cut;
      return tf.transpose(tf.reshape(used, [batch, length, heads, width / heads]), [0, 2, 1, 3]);
    };
    const products = tf.matMul(split(q, queries), split(k, keyLength, keyRows), false, true); // [B, N, T, S]
    let scores: tf.Tensor = tf.mul(products, scale);
    if (bias !== undefined) {
      const used = bias.shape[3] === keyLength ? bias : tf.slice(bias, [0, 0, 0, 0], [-1, -1, -1, keyLength]);
      scores = tf.add(scores, used);
    }
    // −∞ is safe, since each query sees a key. A large negative number would tie with a bias that
    // masks all that a query sees.
    if (causal || ofRows(options.keyLength)) {
      const hidden = tf.fill(scores.shape, Number.NEGATIVE_INFINITY);
      scores = tf.where(seenKeys(queries, keyLength, options), scores, hidden);
    }
    const mixed = tf.matMul(tf.softmax(scores), split(v, keyLength, keyRows)); // [B, N, T, K]
    return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch, queries, width]) as tf.Tensor3D;
  });
}

/** Whether query t of a row looks at key s: bool [1 or B, 1, T, S]. */
function seenKeys(queries: number, keys: number, options: AttentionOptions): tf.Tensor {
  const { causal = false, firstQuery = 0 } = options;
  const ends: tf.Tensor[] = []; // each [1 or B, 1, 1 or T, 1]: the first key that is not seen
  const lengths = ofRows(options.keyLength);
  if (lengths) ends.push(tf.reshape(lengths, [-1, 1, 1, 1]));
  if (causal) {
    const first = typeof firstQuery === 'number' ? tf.scalar(firstQuery, 'int32') : firstQuery;
    const places = tf.reshape(tf.range(1, queries + 1, 1, 'int32'), [1, 1, queries, 1]);
    ends.push(tf.add(tf.reshape(first, [-1, 1, 1, 1]), places));
  }
  const key = tf.reshape(tf.range(0, keys, 1, 'int32'), [1, 1, 1, keys]);
  return ends.map((end) => tf.less(key, end)).reduce((a, b) => tf.logicalAnd(a, b));
}

function checkAttention(q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D, options: AttentionOptions): void {
  const { heads, bias, keyLength, firstQuery = 0, keyRows } = options;
  const shapes = `q [${q.shape}], k [${k.shape}], v [${v.shape}]`;
  if (q.rank !== 3 || k.rank !== 3 || v.rank !== 3) {
    throw new ShapeError(`attention: expected q [B, T, D] and k, v [B, S, D], got ${shapes}.`);
  }
  const [batch, queries, width] = q.shape;
  const keys = k.shape[1];
  const rows = keyRows === undefined ? batch : k.shape[0];
  const kShape = [rows, keys, width];
  if (`${k.shape}` !== `${kShape}` || `${v.shape}` !== `${kShape}`) {
    throw new ShapeError(
      `attention: expected k and v [${keyRows === undefined ? batch : 'E'}, S, ${width}] for q [${q.shape}], got ${shapes}.`,
    );
  }
  if (!(heads >= 1) || width % heads !== 0) {
    throw new ShapeError(
      `attention: expected a width that is a multiple of the heads, got ${width} and ${heads} heads.`,
    );
  }
  for (const [name, numbers] of Object.entries({ keyLength, firstQuery, keyRows })) {
    if (numbers === undefined || typeof numbers === 'number') continue;
    if (numbers.dtype === 'int32' && `${numbers.shape}` === `${batch}`) continue;
    throw new ShapeError(
      `attention: expected ${name} int32 [${batch}], a number for each row, got ${numbers.dtype} [${numbers.shape}].`,
    );
  }
  const known = typeof keyLength === 'number' ? keyLength : undefined;
  if (known !== undefined && !(Number.isInteger(known) && known >= 1 && known <= keys)) {
    throw new ShapeError(`attention: expected keyLength from 1 to ${keys}, got ${known}.`);
  }
  if (typeof firstQuery === 'number' && !(Number.isInteger(firstQuery) && firstQuery >= 0)) {
    throw new ShapeError(`attention: expected firstQuery to be an integer from 0, got ${firstQuery}.`);
  }
  if (bias !== undefined) {
    const full = [batch, heads, queries];
    const fits =
      bias.rank === 4 &&
      full.every((size, axis) => bias.shape[axis] === 1 || bias.shape[axis] === size) &&
      (bias.shape[3] === keys || bias.shape[3] === known);
    if (!fits) {
      throw new ShapeError(
        `attention: expected bias [1 or ${batch}, 1 or ${heads}, 1 or ${queries}, ${keys}], got [${bias.shape}].`,
      );
    }
  }
}
