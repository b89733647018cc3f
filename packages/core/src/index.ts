// Backends
export {
  type BackendChoice,
  type BackendDescription,
  type BackendOptions,
  type BackendTrial,
  backendNames,
  describeBackends,
  selectBackend,
} from './backend/index.js';

// Byte-level BPE
export { SYMBOL_OF_BYTE, toSymbols } from './bpe/byte-alphabet.js';
export { BytePairEncoder, type BytePairs } from './bpe/byte-pair-encoder.js';
export {
  parseJsonObject,
  parseMerges,
  parseSpecialToken,
  parseTokenizerJson,
  parseVocab,
  type TokenizerFiles,
  type TokenizerJson,
  typeOf,
} from './bpe/files.js';
export { readTokenizerFiles } from './bpe/read-files.js';
export { type SpecialToken, SpecialTokenCutter, type TextPart } from './bpe/special-tokens.js';
export { padRows, type TokenBatch } from './bpe/token-batch.js';
export { AFTER_UNICODE_14 } from './bpe/unicode-14.js';
// Checkpoints
export { openWeights } from './checkpoint/open.js';
export { isPermutation, permute, permutedShape } from './checkpoint/permute.js';
export { fromSafetensors } from './checkpoint/safetensors.js';
export type { SourceEntry, TensorSource } from './checkpoint/tensor-source.js';
export type { WeightDtype } from './checkpoint/weight-dtype.js';
export {
  type FitOptions,
  loadWeights,
  type OpenOptions,
  WeightMismatchError,
  type WeightRule,
} from './checkpoint/weights.js';

// Configs
export { parseJson } from './config/json.js';
// Errors
export {
  CheckpointError,
  ConfigError,
  DataError,
  didYouMean,
  EaselError,
  nearest,
  ShapeError,
} from './errors.js';
// The event loop
export { eventLoopTurn } from './event-loop.js';

// Files of a model, wherever they lie
export { type FileContents, memoryFiles } from './files/memory-files.js';
export { type ModelFile, ModelFiles } from './files/model-files.js';
export { type ModelSource, modelFiles } from './files/model-source.js';
export { type UrlFilesOptions, urlFiles } from './files/url-files.js';

// Layers
export { CompositeLayer, singleInput } from './layers/composite-layer.js';
export { Conv2d, type Conv2dConfig } from './layers/conv2d.js';
export { Dense, type DenseConfig } from './layers/dense.js';
export { Embedding, type EmbeddingConfig } from './layers/embedding.js';
export type { InitializerOption } from './layers/initializer.js';
export {
  GroupNorm,
  type GroupNormConfig,
  LayerNorm,
  type LayerNormConfig,
  RmsNorm,
  type RmsNormConfig,
} from './layers/norms.js';

// Operations
export {
  type Activation,
  activation,
  activationNames,
  type FusableActivation,
  fusableActivation,
  gelu,
  geluTanh,
  quickGelu,
  relu,
  silu,
  smelu,
} from './ops/activation.js';
export { type AttentionOptions, attention } from './ops/attention.js';
export { toBfloat16 } from './ops/bfloat16.js';
export { type ClampedRatioOptions, clampedRatio } from './ops/clamped-ratio.js';
export { type Conv2dOptions, type Conv2dPadding, conv2d } from './ops/conv2d.js';
export { sparseCrossEntropy } from './ops/cross-entropy.js';
export { dropout } from './ops/dropout.js';
export { embedding, scatterAdd } from './ops/embedding.js';
export { gatedActivation } from './ops/gated-activation.js';
export { type GroupNormOptions, groupNorm } from './ops/group-norm.js';
export { type LinearOptions, linear } from './ops/linear.js';
export { layerNorm, rmsNorm } from './ops/norm.js';
export { normalizeL2 } from './ops/normalize.js';
export { readTogether } from './ops/read-together.js';
export { rematerialize } from './ops/rematerialize.js';
export { type UpdateRowsOptions, updateRows } from './ops/update-rows.js';
export { upsampleNearest2x } from './ops/upsample.js';
export { type ValueAndGrads, type ValueAndGradsOptions, valueAndGrads } from './ops/value-and-grads.js';

// Optimizers
export {
  Adafactor,
  type AdafactorConfig,
  AdamW,
  type AdamWConfig,
  clipFactor,
  constantSchedule,
  cosineSchedule,
  DistributedShampoo,
  dequantizeMomentum,
  exponentialSchedule,
  GRAFT_TYPES,
  type GraftType,
  globalNorm,
  inversePthRoot,
  linearSchedule,
  momentumBytes,
  normOf,
  Optimizer,
  type OptimizerConfig,
  type PendingUpdate,
  plusGram,
  quantizeMomentum,
  type Schedule,
  type ScheduleOptions,
  type ShampooBlocks,
  type ShampooConfig,
  type SumWeights,
  shampooBlocks,
  sumOfSquares,
  sumsOfSquares,
  type UpdatePoint,
  type UpdateScaleOptions,
  updateScale,
  type WeightFormat,
} from './optimizers/index.js';

// Pictures
export { fromBytes, toBytes } from './pictures/bytes.js';
export { crop } from './pictures/crop.js';
export { pictureGrid } from './pictures/grid.js';
export { type PictureSize, type Raster, splitPictures } from './pictures/raster.js';
export { RESIZE_FILTERS, type ResizeFilter, resize } from './pictures/resize.js';
export { resizeBilinear } from './pictures/resize-bilinear.js';
export { roundHalfEven } from './pictures/round-half-even.js';

// Random numbers
export {
  bernoulli,
  type CategoricalOptions,
  type ChoiceOptions,
  categorical,
  choice,
  erfInv,
  exponential,
  type FloatOptions,
  type FloatType,
  foldIn,
  foldInNames,
  gumbel,
  type IntegerOptions,
  type IntegerType,
  type Key,
  normal,
  Pcg64,
  type PermutedOptions,
  permutation,
  permuted,
  prngKey,
  randint,
  randomBits,
  type SeedOptions,
  type StreamOptions,
  split,
  threefryCounters,
  truncatedNormal,
  type UniformBounds,
  uniform,
} from './random/index.js';
