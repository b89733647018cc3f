export { type BeamOptions, type BeamResult, generateBeams } from './beam-search.js';
export {
  ACTIVATIONS,
  type ActivationName,
  type DalleBartConfig,
  dalleBartConfigToJson,
  LN_POSITIONS,
  type LnPositions,
  type LnType,
  parseDalleBartConfig,
} from './config.js';
export type { DecodeState } from './decoder.js';
export {
  type FirstVersionConfig,
  type FirstVersionStack,
  firstVersionConfigToJson,
  parseFirstVersionConfig,
} from './first-version/config.js';
export { FirstVersionBart, initializeFirstVersion } from './first-version/model.js';
export { firstVersionParameters } from './first-version/parameters.js';
export { rulesForFirstVersion } from './first-version/weights.js';
export {
  type GenerateOptions,
  type GenerateProgress,
  generateTokens,
  type SamplingRule,
} from './generate.js';
export type { GenerationConfig, ImageTokenModel } from './image-token-model.js';
export { ImageTransformer, type TransformerInputs } from './image-transformer.js';
export { initializeDalleBart } from './initialize.js';
export {
  argmax,
  forcedToken,
  type LogitsRule,
  minDalle,
  minDalleConditioned,
  minLength,
  onlyIdsBelow,
  superConditioned,
  temperature,
  topK,
  topP,
} from './logits-rules.js';
export { DalleBart, type DalleBartInputs } from './model.js';
export { type ModelPlan, planModel } from './model-config.js';
export { HashtagSplitter, parseWordFrequencies } from './normalizer/hashtags.js';
export { TextNormalizer, type TextNormalizerOptions } from './normalizer/text-normalizer.js';
export { openDalleBart, openModelConfig, openTokenizer, type TextModel, WORD_LIST } from './open.js';
export { type Parameter, parameters } from './parameters.js';
export { type ProcessedPrompts, Processor, type ProcessorParts } from './processor.js';
export { drawableIds, type RowOptions } from './row-options.js';
export type { GenerateInputs } from './text-inputs.js';
export { BpeTokenizer, type DecodeOptions } from './tokenizer/bpe-tokenizer.js';
export { parseTokenizerFiles, tokenizerFiles } from './tokenizer/files.js';
export { MinDalleTokenizer } from './tokenizer/min-dalle-tokenizer.js';
export { BART_SPECIAL_TOKENS, type SpecialTokens } from './tokenizer/special-tokens.js';
export type { BpeTokenizerData } from './tokenizer/tokenizer-data.js';
export { type TrainBpeOptions, type TrainedBpe, trainBpe } from './tokenizer/train-bpe.js';
export {
  type BartNaming,
  bartNaming,
  type FlaxTensor,
  flaxLayout,
  rulesForEasel,
  rulesForFlax,
  rulesForMinDalle,
  rulesForSource,
} from './weights.js';
