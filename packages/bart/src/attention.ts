import {
  type AttentionOptions,
  attention,
  CompositeLayer,
  Dense,
  Embedding,
  normalizeL2,
  ShapeError,
} from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import { makeNorm, type Norm, type NormScale, normalize } from './norm-placement.js';
import { placesFrom } from './places.js';
import { sinkhornAttention } from './sinkhorn-attention.js';
import type { LayerConfig } from './version.js';

/**
 * Properties of one attention that the model's config does not say, since they depend on where in
 * the model it stands.
 */
export interface AttentionRole {
  readonly heads: number;
  /** Norm between the merged heads and the output projection. */
  readonly midNorm?: NormScale | undefined;
  /** Rounds of Sinkhorn normalisation in place of softmax; 1 means softmax. */
  readonly sinkhornIters: number;
  /** The largest number of queries and of keys: the sides of the learnt position bias. */
  readonly queryLength: number;
  readonly keyLength: number;
}

/** Projected context of an attention: float32 [B, S, D] each, heads side by side. */
export interface KeysAndValues {
  readonly keys: tf.Tensor3D;
  readonly values: tf.Tensor3D;
}

/** Which keys a query may look at. */
export interface AttendOptions {
  /** Added to the scores: [1 or B, 1, 1 or T, S], 0 where allowed and MASKED where not. */
  readonly bias?: tf.Tensor4D | undefined;
  /** Whether a query is kept from looking at keys behind its own place (default false). */
  readonly causal?: boolean;
  /**
   * Only the first keyLength keys count, for a cache that is not full yet. It is one number for all
   * rows, or int32 [B] with a number for each row.
   */
  readonly keyLength?: number | tf.Tensor1D | undefined;
  /**
   * Place of the first query in its row, for `causal` and the learnt position bias (default 0). It
   * is one number for all rows, or int32 [B] with a number for each row.
   */
  readonly firstQuery?: number | tf.Tensor1D | undefined;
  /**
   * For each row, the index of the row of keys and values that it looks at: int32 [B] (default its
   * own). With it, keys and values may have E rows in place of B.
   */
  readonly keyRows?: tf.Tensor1D | undefined;
}

type Attend = (q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D, options: AttentionOptions) => tf.Tensor3D;

/**
 * y = out(merge(softmax(q·kᵀ/√K + bias)·v)), q = query(x), k = key(context), v = value(context).
 *
 * x: float32 [B, T, D]; context: [B, S, D]; y: [B, T, D]. Kernels [D, D].
 * The constructor chooses the variants: unit-length q and k with a fixed temperature (cosine
 * attention), a learnt factor for each head, a norm before the output projection, a learnt bias for
 * each query, key and head, Sinkhorn normalisation in place of softmax. There is no dropout of
 * attention weights, because it never takes effect in the original. Source: Vaswani et al. 2017,
 * arXiv:1706.03762; dalle-mini `modeling.py`, FlaxBartAttention.
 */
export class Attention extends CompositeLayer {
  static className = 'EaselAttention';

  private readonly heads: number;
  private readonly scale: number;
  private readonly query: Dense;
  private readonly key: Dense;
  private readonly value: Dense;
  private readonly out: Dense;
  private readonly attend: Attend;
  private readonly aim: (x: tf.Tensor3D) => tf.Tensor3D;
  private readonly midNorm: Norm | undefined;
  private readonly headScale: ReturnType<Attention['addWeight']> | undefined;
  private readonly positionBias: PositionBias | undefined;

  /** Throws ShapeError if dModel is no multiple of heads. */
  constructor(config: LayerConfig, role: AttentionRole) {
    super();
    const { dModel, useBias } = config;
    if (dModel % role.heads !== 0) {
      throw new ShapeError(
        `Attention: expected dModel to be a multiple of ${role.heads} heads, got ${dModel}.`,
      );
    }
    const projection = (): Dense =>
      new Dense({ inputSize: dModel, outputSize: dModel, useBias, kernelInitializer: 'zeros' });
    this.heads = role.heads;
    this.query = this.child('query', projection());
    this.key = this.child('key', projection());
    this.value = this.child('value', projection());
    this.out = this.child('out', projection());
    if (config.useHeadScale) {
      this.headScale = this.addWeight('head_scale', [1, 1, role.heads, 1], 'float32', tf.initializers.ones());
    }
    if (config.useSwinPositionEmbeddings) {
      this.positionBias = this.child(
        'rel_bias',
        new PositionBias(role.queryLength, role.keyLength, role.heads),
      );
    }
    this.midNorm = role.midNorm && this.child('mid_norm', makeNorm(config, dModel, role.midNorm));
    this.scale = config.useCosineAttention ? 1 / config.tauInit : 1 / Math.sqrt(dModel / role.heads);
    this.aim = config.useCosineAttention ? (x) => this.perHead(x, (y) => normalizeL2(y)) : (x) => x;
    this.attend = role.sinkhornIters > 1 ? sinkhornAttention(role.sinkhornIters) : attention;
  }

  /**
   * Computes the keys and values of `context` [B, S, D] for `forward`: float32 [B, S, D] each. The
   * caller disposes both.
   */
  project(context: tf.Tensor3D): KeysAndValues {
    return {
      keys: tf.tidy(() => this.aim(this.key.call(context) as tf.Tensor3D)),
      values: this.value.call(context) as tf.Tensor3D,
    };
  }

  /**
   * Attends from x, float32 [B, T, D], to the keys and values that `project` made: [B, S, D], or
   * [E, S, D] with keyRows. The result is [B, T, D].
   */
  forward(x: tf.Tensor3D, { keys, values }: KeysAndValues, options: AttendOptions): tf.Tensor3D {
    return tf.tidy(() => {
      const { keyLength, causal = false, firstQuery = 0, keyRows } = options;
      const q = this.aim(this.query.call(x) as tf.Tensor3D); // [B, T, D]
      const bias = this.positionBias
        ? this.positionBias.addTo(options.bias, firstQuery, q.shape[1], keys.shape[1])
        : options.bias;
      const mixed = this.attend(q, keys, values, {
        heads: this.heads,
        scale: this.scale,
        ...(bias && { bias }),
        ...(keyLength !== undefined && { keyLength }),
        ...(causal && { causal, firstQuery }),
        ...(keyRows && { keyRows }),
      }); // [B, T, D]
      const scaled = this.headScale
        ? this.perHead(mixed, (y) => tf.mul(y, (this.headScale as { read(): tf.Tensor }).read()))
        : mixed;
      return this.out.call(normalize(this.midNorm, scaled)) as tf.Tensor3D;
    });
  }

  /** Applies f to x with its heads split, [B, L, N, K], and merges them again to [B, L, D]. */
  private perHead(x: tf.Tensor3D, f: (x: tf.Tensor4D) => tf.Tensor): tf.Tensor3D {
    const [batch, length, width] = x.shape;
    const split = tf.reshape(x, [batch, length, this.heads, width / this.heads]) as tf.Tensor4D;
    return tf.reshape(f(split), [batch, length, width]);
  }
}

/**
 * A learnt score for each query, key and head: table [queries, keys·N], head fastest.
 * Source: dalle-mini `modeling.py`, rel_bias; after Swin, arXiv:2103.14030, but not relative.
 */
class PositionBias extends Embedding {
  static override className = 'EaselPositionBias';

  private readonly keys: number;
  private readonly heads: number;

  constructor(queries: number, keys: number, heads: number) {
    super({ entries: queries, size: keys * heads, kernelInitializer: 'zeros' });
    this.keys = keys;
    this.heads = heads;
  }

  /**
   * Returns `bias` plus the learnt scores of `queries` queries from place `first` on with the first
   * `keyLength` keys: [1 or B, N, T, S]. `first` is one place for all rows, or int32 [B].
   */
  addTo(
    bias: tf.Tensor4D | undefined,
    first: number | tf.Tensor1D,
    queries: number,
    keyLength: number,
  ): tf.Tensor4D {
    return tf.tidy(() => {
      const rows =
        typeof first === 'number'
          ? tf.slice(this.weight, [first, 0], [queries, -1])
          : (this.call(placesFrom(first, queries)) as tf.Tensor3D);
      const table = tf.reshape(rows, [-1, queries, this.keys, this.heads]); // [1 or B, T, keys, N]
      const used = tf.slice(table, [0, 0, 0, 0], [-1, -1, keyLength, -1]); // [1 or B, T, S, N]
      const scores = tf.transpose(used, [0, 3, 1, 2]) as tf.Tensor4D; // [1 or B, N, T, S]
      return bias ? (tf.add(scores, bias) as tf.Tensor4D) : scores;
    });
  }
}
