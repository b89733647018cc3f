// @easel/core's attention, in its own layout: heads side by side in the last axis.
function operands({ random }, { batch, heads, queries, keys, width }) {
  const part = (length) => random([batch, length, heads * width]);
  return { q: part(queries), k: part(keys), v: part(keys), dy: part(queries) };
}

export const kinds = {
  attention(given, args) {
    const { q, k, v } = operands(given, args);
    return () => given.core.attention(q, k, v, { heads: args.heads });
  },
  attention_causal(given, args) {
    const { q, k, v } = operands(given, args);
    return () => given.core.attention(q, k, v, { heads: args.heads, causal: true });
  },
  attention_causal_gradients(given, args) {
    const { q, k, v, dy } = operands(given, args);
    const run = (a, b, c) => given.core.attention(a, b, c, { heads: args.heads, causal: true });
    const gradients = given.tf.valueAndGrads(run);
    return () => gradients([q, k, v], dy);
  },
};
