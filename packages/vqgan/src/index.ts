// Config
export {
  type CodebookNorm,
  checkVqganConfig,
  DEFAULT_VQGAN_CONFIG,
  downsamplingFactor,
  type PixelRange,
  parseVqganConfig,
  VQGAN_F16_16384,
  type VqganConfig,
  vqganConfigToJson,
} from './config.js';

// Model
export { initializeVqgan } from './initialize.js';
// Training
export {
  type AutoencoderLossResult,
  autoencoderLoss,
  COLOUR_WEIGHTED,
  type CodebookLossWeights,
  codebookLoss,
  commitmentLoss,
  LEGACY_CODEBOOK_LOSS,
  type ReconstructionWeights,
  reconstructionLoss,
  straightThrough,
  type VqganLossOptions,
  type VqganLossResult,
  vqganLoss,
} from './losses.js';
export { Vqgan, type VqganOptions } from './model.js';
export { nearestCodes, Quantizer } from './quantizer.js';
export { CodebookTracker, type CodebookTrackerOptions, codeUsage } from './quantizer-training.js';

// Weights
export {
  isEncoderWeight,
  rulesForEasel,
  rulesForFlax,
  rulesForMinDalle,
  rulesForTaming,
  type VqganReading,
  vqganReading,
} from './weights.js';
