// Config
export {
  CLIP_ACTIVATIONS,
  type ClipActivation,
  type ClipConfig,
  clipConfigToJson,
  type ImageTowerConfig,
  parseClipConfig,
  type TextTowerConfig,
  type TowerConfig,
} from './config.js';

// Pictures
export {
  cutImage,
  defaultImageProcessor,
  type ImageProcessorConfig,
  imageProcessorToJson,
  parseImageProcessor,
  processImage,
} from './image-processor.js';

// Model
export type { ImageStates } from './image-tower.js';
export { Clip } from './model.js';
export { type OpenedClip, openClip, openClipTokenizer } from './open.js';
// Weights
export { clipParameters } from './parameters.js';
// Scores
export { type ClipParts, ClipScorer, type ScoreOptions } from './scorer.js';
export type { TextIds, TextStates } from './text-tower.js';

// Texts
export {
  CLIP_SPECIAL_TOKENS,
  type ClipSpecialTokens,
  ClipTokenizer,
  type ClipTokenizerData,
  clipTokenizerFiles,
  parseClipTokenizerFiles,
} from './tokenizer.js';
export type { OnHidden } from './tower.js';
export { type ClipReading, clipReading, rulesForEasel, rulesForFlax, rulesForTorch } from './weights.js';
