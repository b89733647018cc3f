import { type Key, split } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import { ImageTransformer } from '../image-transformer.js';
import { fillFresh } from '../initialize.js';
import { type FirstVersionConfig, stackConfigs } from './config.js';
import { firstVersionParameters } from './parameters.js';

/**
 * The first public model, July 2021: BART with an embedding and a head of its own for image tokens,
 * trained on from a summarizer. The same layers as the second version's, put together as BART's;
 * its logits have a learnt bias. Source: dalle-mini at 1d04ab3, `dalle_mini/model.py`,
 * CustomFlaxBartForConditionalGeneration; arXiv:1910.13461.
 */
export class FirstVersionBart extends ImageTransformer {
  static className = 'EaselFirstVersionBart';

  override readonly config: FirstVersionConfig;
  private readonly logitsBias: ReturnType<FirstVersionBart['addWeight']>;

  /** A model with all kernels zero; fill it with initializeFirstVersion or loadWeights. */
  constructor(config: FirstVersionConfig) {
    const { encoder, decoder } = stackConfigs(config);
    super(encoder, decoder);
    this.config = config;
    const shape = [1, config.imageVocabSize + 1];
    this.logitsBias = this.addWeight('final_logits_bias', shape, 'float32', tf.initializers.zeros());
  }

  // Later releases of transformers stop this bias's gradient; the one that trained the model did
  // not.
  protected override toLogits(states: tf.Tensor3D): tf.Tensor3D {
    return tf.tidy(() => tf.add(super.toLogits(states), this.logitsBias.read()));
  }
}

/** Gives a model fresh weights by the key of a seed, prngKey(seed), as Flax draws them. */
export function initializeFirstVersion(model: FirstVersionBart, key: Key): void {
  const { config } = model;
  fillFresh(model.namedWeights(), firstVersionParameters(config), split(key)[0] as Key, config.initStd);
}
