// Adversarial training
export {
  ABSOLUTE_DIFFERENCE,
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
export {
  adaptiveWeight,
  discriminatorFactor,
  discriminatorLoss,
  type GanLoss,
} from './adversarial/gan-losses.js';
export { discriminatorRules, type LpipsNaming, lpipsRules } from './adversarial/weights.js';
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
export { drawTokens, tokensOfPicture } from './draw-tokens.js';
export {
  type GumbelOptions,
  type GumbelQuantized,
  GumbelQuantizer,
  type GumbelQuantizerConfig,
} from './gumbel-quantizer.js';
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
  type PictureLossOptions,
  type PictureLossResult,
  pictureLoss,
  type QuantizationLossOptions,
  quantizationLoss,
  type ReconstructionWeights,
  reconstructionLoss,
  straightThrough,
  toSigned,
  type VqganLossOptions,
  type VqganLossResult,
  vqganLoss,
} from './losses.js';
export { Lpips, type LpipsOptions, lpipsParameters, VGG16_WIDTHS } from './lpips.js';
export { Vqgan, type VqganOptions } from './model.js';
export { openVqgan } from './open.js';
// Weights
export { vqganParameters } from './parameters.js';
export { nearestCodes, Quantizer } from './quantizer.js';
export { CodebookTracker, type CodebookTrackerOptions, codeUsage } from './quantizer-training.js';
export {
  isEncoderWeight,
  rulesForEasel,
  rulesForFlax,
  rulesForMinDalle,
  rulesForTaming,
  type VqganReading,
  vqganReading,
} from './weights.js';
