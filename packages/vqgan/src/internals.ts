// Only the packages of this repository use this entry. Its exports may change in any release.

export { discriminatorFactor } from './adversarial/gan-losses.js';
export { discriminatorRules, lpipsRules } from './adversarial/weights.js';
export { decoderBytes } from './decoder-memory.js';
export { decodeBatchOf } from './draw-tokens.js';
export { toSigned } from './losses.js';
export { lpipsParameters, VGG16_WIDTHS } from './lpips.js';
export { vqganParameters } from './parameters.js';
export {
  isCodebookWeight,
  isEncoderWeight,
  vqganReading,
  vqganRulesForEasel,
  vqganRulesForFlax,
  vqganRulesForTaming,
} from './weights.js';
