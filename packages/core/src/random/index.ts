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
export { Pcg64 } from './pcg64.js';
export { type Key, threefryBlocks } from './threefry.js';
