import { DalleBart, type DalleBartConfig, parseDalleBartConfig } from '@easel/bart';
import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { nativeStatus, rehearse } from 'tfjs-backend-native';
import { startTestBackend } from '../../testing/backend.js';
import { seq2seqGradients } from './seq2seq-step.js';
import { stepFlop } from './step-flop.js';
import { trainedWeights } from './trained-weights.js';

await startTestBackend();
const available = nativeStatus().available ? test : test.skip; // others don't count their products

const config = (changes: Record<string, unknown>): DalleBartConfig =>
  parseDalleBartConfig(
    {
      model_type: 'dallebart',
      encoder_vocab_size: 30,
      image_vocab_size: 22,
      image_length: 25,
      max_text_length: 10,
      encoder_layers: 3,
      decoder_layers: 2,
      encoder_ffn_dim: 20,
      decoder_ffn_dim: 28,
      encoder_attention_heads: 2,
      decoder_attention_heads: 4,
      d_model: 24,
      dropout: 0,
      use_scan: false,
      gradient_checkpointing: false,
      ...changes,
    },
    'test',
  );

available.each([
  ['gated, everything trained', {}, { rematerialize: false, trainable: 'all' }],
  ['two products in a feed-forward block', { use_glu: false }, { rematerialize: false, trainable: 'all' }],
  ['layers computed again', {}, { rematerialize: true, trainable: 'all' }],
  ['embeddings alone', {}, { rematerialize: false, trainable: 'embeddings' }],
] as const)('%s: as many as the kernels are asked for', async (_, changes, how) => {
  const modelConfig = config(changes);
  const [rows, textLength, length] = [3, 7, modelConfig.imageLength];
  const { flop } = await rehearse(async () => {
    const model = new DalleBart(modelConfig);
    const batch = {
      inputIds: tf.zeros([rows, textLength], 'int32') as tf.Tensor2D,
      attentionMask: tf.zeros([rows, textLength], 'int32') as tf.Tensor2D,
      decoderInputIds: tf.zeros([rows, length], 'int32') as tf.Tensor2D,
      labels: tf.zeros([rows * length], 'int32') as tf.Tensor1D,
    };
    const { grads } = await seq2seqGradients(model, trainedWeights(model, how), [{ batch }], how);
    tf.dispose([...grads.values()]);
    model.dispose();
  });
  expect(stepFlop(modelConfig, { rows, textLength, ...how })).toBe(flop);
});
