export {
  bernoulli,
  categorical,
  exponential,
  gumbel,
  normal,
  permutation,
  randint,
  randomBits,
  truncatedNormal,
  type UniformBounds,
  uniform,
} from './distributions.js';
export { foldIn, foldInNames, prngKey, split } from './key.js';
export { type Key, threefryBlocks } from './threefry.js';
