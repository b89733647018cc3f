// Attention in tfjs's operations, with heads on the batch axis.
function operands({ random }, { batch, heads, queries, keys, width }) {
  return {
    q: random([batch * heads, queries, width]),
    k: random([batch * heads, keys, width]),
    v: random([batch * heads, keys, width]),
    dy: random([batch * heads, queries, width]),
    scale: 1 / Math.sqrt(width),
  };
}

/** A mask with −1e9 above the diagonal. */
export function causalMask(tf, length) {
  const values = Float32Array.from({ length: length * length }, (_, i) =>
    i % length > Math.floor(i / length) ? -1e9 : 0,
  );
  return tf.tensor(values, [length, length]);
}

const attend = (tf, q, k, v, scale, mask) =>
  tf.tidy(() => {
    const scores = tf.mul(tf.matMul(q, k, false, true), scale);
    return tf.matMul(tf.softmax(mask === undefined ? scores : tf.add(scores, mask)), v);
  });

export const kinds = {
  attention(given, args) {
    const { q, k, v, scale } = operands(given, args);
    return () => attend(given.tf, q, k, v, scale);
  },
  attention_causal(given, args) {
    const { q, k, v, scale } = operands(given, args);
    const mask = causalMask(given.tf, args.queries);
    return () => attend(given.tf, q, k, v, scale, mask);
  },
  attention_causal_gradients(given, args) {
    const { q, k, v, dy, scale } = operands(given, args);
    const mask = causalMask(given.tf, args.queries);
    const gradients = given.tf.valueAndGrads((a, b, c) => attend(given.tf, a, b, c, scale, mask));
    return () => gradients([q, k, v], dy);
  },
};
