import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { FAST_BACKEND } from '../testing/backends.js';
import { parseClipConfig } from './config.js';
import { Clip } from './model.js';
import { clipParameters } from './parameters.js';

test('the list is what a model has: names, shapes and order', async () => {
  await tf.setBackend(FAST_BACKEND);
  const config = parseClipConfig({
    projection_dim: 7,
    text_config: {
      hidden_size: 6,
      intermediate_size: 10,
      num_hidden_layers: 3,
      num_attention_heads: 2,
      vocab_size: 11,
      max_position_embeddings: 5,
    },
    vision_config: {
      hidden_size: 8,
      intermediate_size: 9,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      image_size: 13,
      patch_size: 4,
    },
  });
  const clip = new Clip(config);
  expect([...clipParameters(config)]).toEqual(
    [...clip.namedWeights()].map(([name, weight]) => [name, weight.shape]),
  );
  clip.dispose();
});
