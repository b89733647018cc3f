import { type Key, split } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import { ImageTransformer } from '../image-transformer.js';
import { fillFresh } from '../initialize.js';
import { type FirstVersionConfig, stackConfigs } from './config.js';
import { firstVersionParameters } from './parameters.js';

/**
 * The first public model, July 2021: BART with an embedding and a head of its own for image tokens,
 * trained on from a summarizer. It uses the second version's layers, put together as BART's. Its
 * logits have a learnt bias. Source: dalle-mini at 1d04ab3, `dalle_mini/model.py`,
 * CustomFlaxBartForConditionalGeneration; arXiv:1910.13461.
 */
export class FirstVersionBart extends ImageTransformer {
  static className = 'EaselFirstVersionBart';

  override readonly config: FirstVersionConfig;
  private readonly logitsBias: ReturnType<FirstVersionBart['addWeight']>;

  /** Makes a model whose kernels are zero. Fill it with initializeFirstVersion or loadWeights. */
  constructor(config: FirstVersionConfig) {
    const { encoder, decoder } = stackConfigs(config);
    super(encoder, decoder);
    this.config = config;
    const shape = [1, config.imageVocabSize + 1];
    this.logitsBias = this.addWeight('final_logits_bias', shape, 'float32', tf.initializers.zeros());
  }

  // This bias has a gradient. Later releases of transformers stop it; the release that trained the
  // model did not.
  protected override toLogits(states: tf.Tensor3D): tf.Tensor3D {
    return tf.tidy(() => tf.add(super.toLogits(states), this.logitsBias.read()));
  }
}

/** Gives a model fresh weights as Flax draws them for a seed. `key` is prngKey(seed). */
export function initializeFirstVersion(model: FirstVersionBart, key: Key): void {
  const { config } = model;
  fillFresh(model.namedWeights(), firstVersionParameters(config), split(key)[0] as Key, config.initStd);
}
