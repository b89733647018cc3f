import { parseDalleBartConfig } from '@easel/bart';
import { expect, test } from '@jest/globals';
import { originalPartitions } from './partitions.js';

const small = {
  encoder_vocab_size: 24,
  image_vocab_size: 8,
  image_length: 4,
  max_text_length: 6,
  encoder_layers: 2,
  decoder_layers: 3,
  encoder_ffn_dim: 10,
  decoder_ffn_dim: 12,
  encoder_attention_heads: 2,
  decoder_attention_heads: 2,
  d_model: 4,
};

test('products are cut so that two in a row need one exchange; stacked layers have an axis more', () => {
  const partitions = originalPartitions(parseDalleBartConfig({ ...small, use_scan: true }));
  const layer = 'model/decoder/layers/FlaxBartDecoderLayers';
  expect(partitions.get(`${layer}/FlaxBartAttention_0/q_proj/kernel`)).toEqual({
    shape: [3, 4, 4],
    partition: [false, false, true],
  });
  expect(partitions.get(`${layer}/FlaxBartAttention_0/out_proj/kernel`)?.partition).toEqual([
    false,
    true,
    false,
  ]);
  expect(partitions.get(`${layer}/GLU_0/Dense_1/kernel`)?.partition).toEqual([false, false, true]);
  expect(partitions.get(`${layer}/GLU_0/Dense_2/kernel`)?.partition).toEqual([false, true, false]);
  expect(partitions.get('model/encoder/embed_tokens/embedding')?.partition).toEqual([true, false]);
  expect(partitions.get(`${layer}/LayerNorm_0/bias`)?.partition).toBeUndefined();
});

test('without a gate the second product is the last', () => {
  const partitions = originalPartitions(parseDalleBartConfig({ ...small, use_glu: false, use_scan: false }));
  const ffn = [...partitions].filter(([name]) => /Dense_\d\/kernel$/.test(name));
  expect(ffn.length).toBe(10);
  for (const [name, { partition }] of ffn)
    expect(partition).toEqual(name.includes('Dense_0') ? [false, true] : [true, false]);
});
