// Only the packages of this repository use this entry. Its exports may change in any release.

export { firstVersionParameters } from './first-version/parameters.js';
export { rulesForFirstVersion } from './first-version/weights.js';
export {
  argmax,
  forcedToken,
  type LogitsRule,
  minDalle,
  minDalleConditioned,
  minLength,
  superConditioned,
  temperature,
  topK,
  topP,
} from './logits-rules.js';
export { planModel } from './model-config.js';
export { demojize } from './normalizer/emoji.js';
export { HashtagSplitter, parseWordFrequencies } from './normalizer/hashtags.js';
export { WORD_LIST } from './open.js';
export { bartParameters, type Parameter } from './parameters.js';
export { tokenizerFiles } from './tokenizer/files.js';
export {
  bartMatrixAxis,
  bartNaming,
  bartRulesForEasel,
  bartRulesForFlax,
  bartRulesForSource,
  flaxLayout,
} from './weights.js';
