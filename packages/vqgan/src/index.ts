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
export { Vqgan, type VqganOptions } from './model.js';
export { nearestCodes, Quantizer } from './quantizer.js';

// Weights
export { rulesForEasel, rulesForFlax, rulesForTaming, vqganNaming, withoutTamingLoss } from './weights.js';
