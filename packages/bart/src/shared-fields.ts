import { fixed, flag, integer, real } from '@easel/core/config';
import { generationFields } from './generation-config.js';

/** Settings that the config.json of either version has, beside those of its layers. */
export const sharedFields = {
  /** Width D. */
  dModel: integer({ min: 1, default: 1024 }),
  /** Standard deviation of fresh kernels and embeddings. */
  initStd: real({ above: 0, default: 0.02 }),
  ...generationFields,
  /** This dropout never takes effect in the original either. */
  attentionDropout: real({ min: 0, below: 1, default: 0 }),
  tieWordEmbeddings: fixed(false, 'Text and image tokens have separate embeddings.'),
  isEncoderDecoder: fixed(true, 'The model is an encoder and a decoder.'),
};

/** Settings of the layers of both stacks, or of one stack of the first version. */
export const sharedLayerFields = {
  dropout: real({ min: 0, below: 1, default: 0.1 }),
  activationDropout: real({ min: 0, below: 1, default: 0 }),
  scaleEmbedding: flag(false),
};
