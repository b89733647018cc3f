// Opening a model from its files, on a server or in memory. The node entry opens folders on disk.

export type { ModelPlan } from './model-config.js';
export { openDalleBart, openModelConfig, openTokenizer, type TextModel } from './open.js';

// Drawing image tokens for prompts: sampling with super conditioning, pictures that come and go,
// and beam search.

export { type BeamOptions, type BeamResult, generateBeams } from './beam-search.js';
export { DecodeLoop, type DecodeLoopOptions, type Drawing, type DrawingRequest } from './decode-loop.js';
export { type GenerateOptions, type GenerateProgress, generateTokens } from './generate.js';
export { drawableIds, type RowOptions } from './row-options.js';
export type { Noise, SamplingOptions, SamplingRule } from './sampling.js';
export type { GenerateInputs, TextIds } from './text-inputs.js';

// From prompts to ids: the normalizer, the tokenizer, and both together.

export { TextNormalizer, type TextNormalizerOptions } from './normalizer/text-normalizer.js';
export { type ProcessedPrompts, Processor, type ProcessorParts } from './processor.js';
export { BpeTokenizer, type DecodeOptions } from './tokenizer/bpe-tokenizer.js';
export { MinDalleTokenizer } from './tokenizer/min-dalle-tokenizer.js';
export { BART_SPECIAL_TOKENS, type SpecialTokens } from './tokenizer/special-tokens.js';
export type { BpeTokenizerData } from './tokenizer/tokenizer-data.js';
export { type TrainBpeOptions, type TrainedBpe, trainBpe } from './tokenizer/train-bpe.js';

// The transformer and its settings.

export {
  type ActivationName,
  type DalleBartConfig,
  dalleBartConfigToJson,
  type LnPositions,
  type LnType,
  parseDalleBartConfig,
} from './config.js';
export type { DecodeRoom, DecodeState, StepRows } from './decode-state.js';
export type { GenerationConfig } from './generation-config.js';
export type { ImageTokenModel } from './image-token-model.js';
export { ImageTransformer, type TransformerInputs } from './image-transformer.js';
export { initializeDalleBart } from './initialize.js';
export { DalleBart, type DalleBartInputs } from './model.js';

// DALL·E mini's first version, a BART with another decoder.

export {
  type FirstVersionConfig,
  type FirstVersionStack,
  firstVersionConfigToJson,
  parseFirstVersionConfig,
} from './first-version/config.js';
export { FirstVersionBart, initializeFirstVersion } from './first-version/model.js';
