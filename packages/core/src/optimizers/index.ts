export { Adafactor, type AdafactorConfig } from './adafactor.js';
export { AdamW, type AdamWConfig } from './adamw.js';
export {
  clipFactor,
  globalNorm,
  normOf,
  sumOfSquares,
  sumsOfSquares,
  type UpdateScaleOptions,
  updateScale,
} from './clip.js';
export { type InverseRoot, inversePthRoot } from './inverse-root.js';
export {
  Optimizer,
  type OptimizerConfig,
  type PendingUpdate,
  type UpdatePoint,
  type WeightFormat,
} from './optimizer.js';
export {
  dequantize as dequantizeMomentum,
  quantize as quantizeMomentum,
  unpackBytes as momentumBytes,
} from './quantized.js';
export {
  constantSchedule,
  cosineSchedule,
  exponentialSchedule,
  linearSchedule,
  type Schedule,
  type ScheduleOptions,
} from './schedules.js';
export { DistributedShampoo, GRAFT_TYPES, type GraftType, type ShampooConfig } from './shampoo.js';
export { type BlockLimits, mergeSmallDims, type ShampooBlocks, shampooBlocks } from './shampoo-blocks.js';
export { plusGram, type SumWeights } from './shampoo-statistics.js';
