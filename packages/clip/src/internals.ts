// Only the packages of this repository use this entry. Its exports may change in any release.

export { cutImage, parseImageProcessor } from './image-processor.js';
export { clipParameters } from './parameters.js';
export { clipTokenizerFiles } from './tokenizer.js';
export { clipReading, clipRulesForTorch } from './weights.js';
