// One training step: forward, gradients of all parameters, Adam. The `_fused` rows compute the same
// with each library's best operations: @easel/core's operations, PyTorch's functional ones. The
// other rows are one tfjs program on every tfjs backend.
const CONVNET = { batch: 32, size: 32, classes: 10 };
const TRANSFORMER = { batch: 8, length: 128, width: 256, heads: 4, inner: 1024, vocabulary: 1000, layers: 2 };

// Multiply-adds of the forward pass, three times for forward and two gradients.
const convnetFlop = 3 * 2 * 32 * (32 * 32 * 27 * 32 + 16 * 16 * 288 * 64 + 4096 * 10);
const tokens = TRANSFORMER.batch * TRANSFORMER.length;
const perToken =
  TRANSFORMER.layers *
    (4 * TRANSFORMER.width ** 2 +
      2 * TRANSFORMER.width * TRANSFORMER.inner +
      2 * TRANSFORMER.length * TRANSFORMER.width) +
  TRANSFORMER.width * TRANSFORMER.vocabulary;
const transformerFlop = 3 * 2 * tokens * perToken;

// DALL·E mini's width with 4 layers in each stack: 203 million parameters.
const DALLE = {
  vocabulary: 50264,
  codes: 16385,
  text_length: 64,
  length: 256,
  width: 1024,
  heads: 16,
  inner: 2730,
  layers: 4,
};

/** Multiply-adds of a row's forward pass. The causal mask halves the decoder's self-attention. */
function dalleProducts({ codes, text_length: text, length, width, inner, layers }) {
  const feedForward = 3 * width * inner;
  const encoder = text * (4 * width ** 2 + feedForward + 2 * text * width);
  const decoder =
    length * (6 * width ** 2 + feedForward + length * width + 2 * text * width) + text * 2 * width ** 2;
  return layers * (encoder + decoder) + length * width * codes;
}

/**
 * Texts have 10 tokens, as captions do, or the greatest length. Easel's trainer pads to the longest
 * text of a batch, rounded up to 8, and so does the row. The others pad to 64 and mask, as the
 * original does.
 */
function dalle(batch, optimizer, { text = 10, rematerialize = false } = {}) {
  const computed = dalleProducts({ ...DALLE, text_length: Math.ceil(text / 8) * 8 });
  return {
    name: `train_dalle_4+4_b${batch}_${optimizer}${text < 64 ? '' : '_long_texts'}${rematerialize ? '_rematerialized' : ''}`,
    kind: 'dalle',
    args: { batch, optimizer, rematerialize, text, ...DALLE },
    flop: (rematerialize ? 4 : 3) * 2 * batch * computed,
    alone: ['torch', 'torch-compiled', 'jax'],
  };
}

export const cases = [
  { name: 'train_convnet_b32_32x32', kind: 'convnet', args: CONVNET, flop: convnetFlop },
  { name: 'train_convnet_b32_32x32_fused', kind: 'convnet_fused', args: CONVNET, flop: convnetFlop },
  {
    name: 'train_transformer_2L_d256_b8_s128',
    kind: 'transformer',
    args: TRANSFORMER,
    flop: transformerFlop,
  },
  {
    name: 'train_transformer_2L_d256_b8_s128_fused',
    kind: 'transformer_fused',
    args: TRANSFORMER,
    flop: transformerFlop,
  },
  dalle(2, 'adamw'),
  dalle(8, 'adamw'),
  dalle(8, 'adafactor'),
  dalle(8, 'adamw', { text: 64 }),
  dalle(8, 'adafactor', { rematerialize: true }),
];
