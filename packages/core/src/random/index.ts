export { type UniformBounds, uniform } from './distributions.js';
export { foldIn, foldInNames, prngKey, split } from './key.js';
export { type Key, threefryBlocks } from './threefry.js';
