// Opening a model from its files, on a server or in memory. The node entry opens folders on disk.

export { openVqgan } from './open.js';

// From pictures to tokens and back.

export { type DrawTokensOptions, drawTokens, tokensOfPicture } from './draw-tokens.js';
export { initializeVqgan } from './initialize.js';
export { Vqgan, type VqganOptions } from './model.js';

// Settings.

export {
  type CodebookNorm,
  DEFAULT_VQGAN_CONFIG,
  downsamplingFactor,
  type PixelRange,
  parseVqganConfig,
  VQGAN_F16_16384,
  type VqganConfig,
  vqganConfigToJson,
} from './config.js';

// Quantizers: by the nearest code, and Gumbel's.

export {
  type GumbelOptions,
  type GumbelQuantized,
  GumbelQuantizer,
  type GumbelQuantizerConfig,
} from './gumbel-quantizer.js';
export { Quantizer } from './quantizer.js';

// Training: losses and the codebook's upkeep.

export {
  type AutoencoderLossResult,
  autoencoderLoss,
  COLOUR_WEIGHTED,
  type CodebookLossWeights,
  codebookLoss,
  commitmentLoss,
  LEGACY_CODEBOOK_LOSS,
  type PictureLossOptions,
  type QuantizationLossOptions,
  quantizationLoss,
  type ReconstructionWeights,
  reconstructionLoss,
  straightThrough,
  type VqganLossOptions,
  type VqganLossResult,
  vqganLoss,
} from './losses.js';
export { CodebookTracker, type CodebookTrackerOptions, codeUsage } from './quantizer-training.js';

// Training against a discriminator, with LPIPS, as taming does.

export {
  type AdversarialLossConfig,
  type AdversarialMetrics,
  type AdversarialParts,
  type AdversarialStepOptions,
  adversarialStep,
  type GradientHook,
  tamingAdam,
} from './adversarial/adversarial-step.js';
export {
  type DiscriminatorConfig,
  initializeDiscriminator,
  PatchDiscriminator,
} from './adversarial/discriminator.js';
export { adaptiveWeight, discriminatorLoss, type GanLoss } from './adversarial/gan-losses.js';
export { Lpips, type LpipsOptions } from './lpips.js';
