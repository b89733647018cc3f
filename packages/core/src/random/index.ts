export { randomBits } from './bits.js';
export {
  bernoulli,
  exponential,
  type FloatOptions,
  gumbel,
  normal,
  truncatedNormal,
  type UniformBounds,
  uniform,
} from './distributions.js';
export type { FloatType } from './float-formats.js';
export { erfInv } from './float32.js';
export { foldIn, foldInNames, prngKey, type SeedOptions, split } from './key.js';
export { Pcg64 } from './pcg64.js';
export {
  type CategoricalOptions,
  type ChoiceOptions,
  categorical,
  categoricalRow,
  choice,
  type IntegerOptions,
  type IntegerType,
  type PermutedOptions,
  permutation,
  permuted,
  randint,
} from './selections.js';
export { type Key, type StreamOptions, threefryBlocks, threefryCounters } from './threefry.js';
