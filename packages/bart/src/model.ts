import type { DalleBartConfig } from './config.js';
import { ImageTransformer, type TransformerInputs } from './image-transformer.js';
import { SECOND_VERSION } from './version.js';

/** Inputs of one call of the whole model. */
export type DalleBartInputs = TransformerInputs;

/**
 * The transformer of DALL·E mini and mega.
 * Source: borisdayma/dalle-mini `src/dalle_mini/model/modeling.py`, DalleBart.
 */
export class DalleBart extends ImageTransformer {
  static className = 'EaselDalleBart';

  override readonly config: DalleBartConfig;

  /** Makes a model whose kernels are zero. Fill it with initializeDalleBart or loadWeights. */
  constructor(config: DalleBartConfig) {
    const layers = { ...config, version: SECOND_VERSION };
    super(layers, layers);
    this.config = config;
  }
}
