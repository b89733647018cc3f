// Only the packages of this repository use this entry. Anything here may change in any release.

export {
  type AddedToken,
  addedTokensDecoder,
  tokenToJson,
  vocabToJson,
} from './bpe/added-tokens.js';
export { SYMBOL_OF_BYTE, toSymbols } from './bpe/byte-alphabet.js';
export { BytePairEncoder, type BytePairs } from './bpe/byte-pair-encoder.js';
export { BytePairTokenizer, type TokenizerData } from './bpe/byte-pair-tokenizer.js';
export {
  parseJsonObject,
  parseTokenizerJson,
  type TokenizerFiles,
  typeOf,
} from './bpe/files.js';
export { openTokenizerFiles } from './bpe/open-files.js';
export type { SpecialToken } from './bpe/special-tokens.js';
export type { TokenBatch } from './bpe/token-batch.js';
export { parsePairs, parseRoles } from './bpe/tokenizer-files.js';
export { AFTER_UNICODE_14 } from './bpe/unicode-14.js';
export { permutedShape } from './checkpoint/permute.js';
export { didYouMean, nearest, nearestOnes } from './errors.js';
export { eventLoopTurn } from './event-loop.js';
export { parseJson, readJson, requireJson } from './files/json.js';
export { singleInput } from './layers/composite-layer.js';
export { fusableActivation } from './ops/activation.js';
export { hasKernel } from './ops/fused-kernel.js';
export {
  dequantizeMomentum,
  GRAFT_TYPES,
  inversePthRoot,
  momentumBytes,
  normOf,
  plusGram,
  quantizeMomentum,
  type ShampooBlocks,
  shampooBlocks,
  sumsOfSquares,
  type WeightFormat,
} from './optimizers/index.js';
export { splitPictures } from './pictures/raster.js';
export { roundHalfEven } from './pictures/round-half-even.js';
export { erfInv, threefryCounters } from './random/index.js';
