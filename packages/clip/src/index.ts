// Opening a model from its files, on a server or in memory. The node entry opens folders on disk.

export { type OpenedClip, openClip, openClipTokenizer } from './open.js';

// Scores that say how well pictures fit texts.

export { type ClipParts, ClipScorer, type ScoreOptions } from './scorer.js';

// Both towers and their settings.

export {
  type ClipActivation,
  type ClipConfig,
  clipConfigToJson,
  type ImageTowerConfig,
  parseClipConfig,
  type TextTowerConfig,
  type TowerConfig,
} from './config.js';
export type { ImageStates } from './image-tower.js';
export { Clip } from './model.js';
export type { ClipTextInputs, TextStates } from './text-tower.js';
export type { OnHidden } from './tower.js';

// From texts to ids, and from pictures to pixels.

export { defaultImageProcessor, type ImageProcessorConfig, processImage } from './image-processor.js';
export {
  CLIP_SPECIAL_TOKENS,
  type ClipSpecialTokens,
  ClipTokenizer,
  type ClipTokenizerData,
} from './tokenizer.js';
