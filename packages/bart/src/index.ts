export {
  BpeTokenizer,
  type BpeTokenizerData,
  type DecodeOptions,
  type TokenBatch,
} from './tokenizer/bpe-tokenizer.js';
export { parseTokenizerFiles, type TokenizerFiles, tokenizerFiles } from './tokenizer/files.js';
export { BART_SPECIAL_TOKENS, type SpecialToken, type SpecialTokens } from './tokenizer/special-tokens.js';
export { type TrainBpeOptions, type TrainedBpe, trainBpe } from './tokenizer/train-bpe.js';
