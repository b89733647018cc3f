import type { AttentionOptions } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import { MASKED } from './mask.js';

/**
 * Returns an attention whose weights are normalised over keys and queries in turns, `iterations`
 * times, keys first.
 *
 * A select sets masked scores back to MASKED after each round, because a round over queries makes
 * nonsense of the columns of masked keys. q: float32 [B, T, D]; k, v: [B, S, D]; result [B, T, D].
 * Source: Sander et al. 2021, arXiv:2110.11773; dalle-mini `modeling.py`,
 * dot_product_attention_weights.
 */
export function sinkhornAttention(
  iterations: number,
): (q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D, options: AttentionOptions) => tf.Tensor3D {
  return (q, k, v, { heads, scale, bias }) =>
    tf.tidy(() => {
      const [batch, queries, width] = q.shape;
      const split = (x: tf.Tensor3D): tf.Tensor4D =>
        tf.transpose(tf.reshape(x, [batch, x.shape[1], heads, width / heads]), [0, 2, 1, 3]);
      const products = tf.matMul(split(q), split(k), false, true); // [B, N, T, S]
      let scores: tf.Tensor = tf.mul(products, scale ?? 1 / Math.sqrt(width / heads));
      if (bias) scores = tf.add(scores, bias);
      const allowed = bias && tf.greater(tf.add(tf.zerosLike(scores), bias), MASKED / 2);
      for (let i = 0; i < iterations; i++) {
        scores = tf.sub(scores, tf.logSumExp(scores, i % 2 === 0 ? 3 : 2, true));
        if (allowed) scores = tf.where(allowed, scores, tf.fill(scores.shape, MASKED));
      }
      const mixed = tf.matMul(tf.exp(scores), split(v)); // [B, N, T, K]
      return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch, queries, width]) as tf.Tensor3D;
    });
}
