// softmax(scale·q·kᵀ + mask)·v for batch·heads heads of `width`, `queries` × `keys`. The limit of a
// causal case counts the visible half.
const attention = (name, kind, { batch, heads, queries, keys, width }, products, share = 1) => ({
  name,
  kind,
  args: { batch, heads, queries, keys, width },
  flop: products * 2 * batch * heads * queries * keys * width * share,
  bytes:
    products === 2
      ? {
          read: 4 * batch * heads * width * (queries + 2 * keys),
          write: 4 * batch * heads * width * queries,
        }
      : undefined,
});
const TRAINING = { batch: 8, heads: 16, queries: 256, keys: 256, width: 64 }; // [B·H = 128, 256, 64]
const causal = (TRAINING.keys + 1) / (2 * TRAINING.keys);

export const cases = [
  attention('attention_causal_128x256x64', 'attention_causal', TRAINING, 2, causal),
  // q·kᵀ and p·v forward; backward needs the scores again, and four products
  attention('attention_causal_128x256x64_fwd+bwd', 'attention_causal_gradients', TRAINING, 7, causal),
  attention(
    'attention_encoder_128x64x64',
    'attention',
    { batch: 8, heads: 16, queries: 64, keys: 64, width: 64 },
    2,
  ),
  attention('attention_32x64x64', 'attention', { batch: 2, heads: 16, queries: 64, keys: 64, width: 64 }, 2),
  attention(
    'attention_decode_32x1x256x64',
    'attention',
    { batch: 2, heads: 16, queries: 1, keys: 256, width: 64 },
    2,
  ),
];
