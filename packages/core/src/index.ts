// Backends: which one computes, and why.

export {
  type BackendChoice,
  type BackendDescription,
  type BackendOptions,
  type BackendTrial,
  backendNames,
  describeBackends,
  selectBackend,
} from './backend/index.js';

// Errors: everything a user can cause is an EaselError.

export { WeightMismatchError } from './checkpoint/weights.js';
export { CheckpointError, ConfigError, DataError, EaselError, ShapeError } from './errors.js';

// A model's files: on a server, or in memory; folders on disk are in the node entry.

export type { OpenOptions } from './checkpoint/weights.js';
export { type FileContents, memoryFiles } from './files/memory-files.js';
export { type ModelFile, ModelFiles } from './files/model-files.js';
export { type ModelSource, modelFiles } from './files/model-source.js';
export { type UrlFilesOptions, urlFiles } from './files/url-files.js';
export { type FileCache, type KeptFilesOptions, keptFiles } from './kept/kept-files.js';
export {
  type ListedFile,
  MANIFEST_FILE,
  type ModelManifest,
  makeManifest,
  manifestToJson,
  openManifest,
  openUndamaged,
  verifyModel,
} from './manifest/model-manifest.js';
export { WEIGHT_STORAGES, type WeightStorage } from './packed/weight-storage.js';

// Checkpoints: named tensors read from bytes, and how they become the weights of a model.

export type { FlaxTensor } from './checkpoint/flax-tensor.js';
export { openWeights } from './checkpoint/open.js';
export { fromSafetensors } from './checkpoint/safetensors.js';
export type { SourceEntry, TensorSource } from './checkpoint/tensor-source.js';
export type { WeightDtype } from './checkpoint/weight-dtype.js';
export { type FitOptions, type LoadOptions, loadWeights, type WeightRule } from './checkpoint/weights.js';

// Packed values: floats in two bytes, one or a half each, as tensors.

export { packedTensor } from './ops/packed-tensor.js';
export { type PackOptions, pack } from './packed/pack.js';
export type { PackedFormat, PackedValues } from './packed/packed-values.js';
export { unpack } from './packed/unpack.js';
export type { MatrixAxis } from './packed/weight-storage.js';

// Layers: tf.layers.Layer with named weights that compose with any tfjs model.

export { CompositeLayer } from './layers/composite-layer.js';
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

// Operations: each runs a fused kernel where the backend has one, and in tfjs operations elsewhere.

export {
  type Activation,
  activation,
  activationNames,
  type FusableActivation,
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
export { type UpdateRowsOptions, updateRows } from './ops/update-rows.js';
export { upsampleNearest2x } from './ops/upsample.js';

// Gradients of a loss by named variables, with memory freed on the way back.

export { readTogether } from './ops/read-together.js';
export { rematerialize } from './ops/rematerialize.js';
export { type ValueAndGrads, type ValueAndGradsOptions, valueAndGrads } from './ops/value-and-grads.js';

// Optimizers, their schedules, and clipping.

export {
  Adafactor,
  type AdafactorConfig,
  AdamW,
  type AdamWConfig,
  clipFactor,
  constantSchedule,
  cosineSchedule,
  DistributedShampoo,
  exponentialSchedule,
  type GraftType,
  globalNorm,
  linearSchedule,
  Optimizer,
  type OptimizerConfig,
  type PendingUpdate,
  type Schedule,
  type ScheduleOptions,
  type ShampooConfig,
  type UpdatePoint,
  type UpdateScaleOptions,
  updateScale,
} from './optimizers/index.js';

// Pictures: bytes and floats, cut, resized as Pillow does, and laid side by side.

export { fromBytes, toBytes } from './pictures/bytes.js';
export { crop } from './pictures/crop.js';
export { pictureGrid } from './pictures/grid.js';
export type { PictureSize, Raster } from './pictures/raster.js';
export { RESIZE_FILTERS, type ResizeFilter, resize } from './pictures/resize.js';
export { resizeBilinear } from './pictures/resize-bilinear.js';

// Random numbers of jax (threefry) and numpy (PCG64), from explicit keys.

export {
  bernoulli,
  type CategoricalOptions,
  type ChoiceOptions,
  categorical,
  categoricalRow,
  choice,
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
  truncatedNormal,
  type UniformBounds,
  uniform,
} from './random/index.js';
