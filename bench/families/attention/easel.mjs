// By @easel/core's attention, on its own layout: heads side by side in the last axis.
import { causalMask } from './tfjs.mjs';

function operands({ tf, random }, { batch, heads, queries, keys, width }) {
  const part = (length) => random([batch, length, heads * width]);
  const bias = queries === keys ? tf.reshape(causalMask(tf, queries), [1, 1, queries, queries]) : undefined;
  return { q: part(queries), k: part(keys), v: part(keys), dy: part(queries), bias };
}

export const kinds = {
  attention(given, args) {
    const { q, k, v } = operands(given, args);
    return () => given.core.attention(q, k, v, { heads: args.heads });
  },
  attention_causal(given, args) {
    const { q, k, v, bias } = operands(given, args);
    return () => given.core.attention(q, k, v, { heads: args.heads, bias });
  },
  attention_causal_gradients(given, args) {
    const { q, k, v, dy, bias } = operands(given, args);
    const run = (a, b, c) => given.core.attention(a, b, c, { heads: args.heads, bias });
    const gradients = given.tf.valueAndGrads(run);
    return () => gradients([q, k, v], dy);
  },
};
