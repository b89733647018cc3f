import { type Key, normal, prngKey, split } from '@easel/core';
import { SYMBOL_OF_BYTE } from '@easel/core/internals';
import * as tf from '@tensorflow/tfjs';
import { parseClipConfig } from '../src/config.js';
import { defaultImageProcessor } from '../src/image-processor.js';
import { Clip } from '../src/model.js';
import type { ClipParts } from '../src/scorer.js';
import { ClipTokenizer } from '../src/tokenizer.js';

/**
 * Settings of a CLIP that is built and run in milliseconds: 8 px, 4 patches, texts of 12 tokens, a
 * vocabulary of bytes.
 */
const CONFIG = {
  projection_dim: 6,
  text_config: {
    hidden_size: 8,
    intermediate_size: 12,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    vocab_size: 515,
    max_position_embeddings: 12,
  },
  vision_config: {
    hidden_size: 10,
    intermediate_size: 14,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    image_size: 8,
    patch_size: 4,
  },
};

/** A CLIP with random weights, whose scores mean nothing but differ; the caller disposes it. */
export function tinyClip(): ClipParts {
  const words = SYMBOL_OF_BYTE.map((symbol) => `${symbol}</w>`);
  const tokens = [...SYMBOL_OF_BYTE, ...words, '<|startoftext|>', '<|endoftext|>'];
  const tokenizer = new ClipTokenizer({ vocab: new Map(tokens.map((token, id) => [token, id])), merges: [] });
  const clip = new Clip(parseClipConfig(CONFIG));
  const weights = [...clip.namedWeights()].filter(([name]) => !/scale$/.test(name));
  const keys = split(prngKey(11), weights.length);
  for (const [i, [, weight]] of weights.entries()) {
    const values = normal(keys[i] as Key, weight.shape);
    const tensor = tf.tensor(values, weight.shape);
    weight.assign(tensor);
    tensor.dispose();
  }
  return { clip, tokenizer, imageProcessor: defaultImageProcessor(8) };
}
