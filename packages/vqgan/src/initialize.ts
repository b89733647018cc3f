import { foldInNames, type Key, truncatedNormal, uniform } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import type { Vqgan } from './model.js';

/**
 * Standard deviation of a normal distribution cut off at ±2. Flax divides by it, so that kernels
 * have the intended variance.
 */
const TRUNCATED_STD = 0.87962566103423978;

/**
 * Gives every weight the start value of a fresh vqgan-jax model. Kernels are normal with variance 1
 * / fan-in, cut off at two standard deviations (lecun_normal). Biases are 0 and scales 1. Codes are
 * uniform in ±1/nEmbed, and scaled to length 1 if the config asks for unit codes.
 *
 * Each weight has its own key, folded from its path. So the same key gives the same weights,
 * whatever other weights the model has. Source: flax `initializers.lecun_normal`; vqgan-jax
 * `VectorQuantizer`.
 */
export function initializeVqgan(model: Vqgan, key: Key): void {
  const { nEmbed, embedDim, codebookNorm } = model.config;
  for (const [name, variable] of model.namedWeights()) {
    const fresh = (): Float32Array => {
      const weightKey = foldInNames(key, name.split('.'));
      if (name.endsWith('.kernel')) return lecunNormal(weightKey, variable.shape);
      if (name.endsWith('.scale')) return new Float32Array(variable.size).fill(1);
      if (name.endsWith('.bias')) return new Float32Array(variable.size);
      const codes = uniform(weightKey, [nEmbed, embedDim], { minval: -1 / nEmbed, maxval: 1 / nEmbed });
      return codebookNorm === 'l2' ? unitRows(codes, embedDim) : codes;
    };
    tf.tidy(() => variable.assign(tf.tensor(fresh(), variable.shape)));
  }
}

function lecunNormal(key: Key, shape: readonly number[]): Float32Array {
  const fanIn = shape.slice(0, -1).reduce((product, side) => product * side, 1);
  const std = Math.fround(Math.sqrt(1 / fanIn) / TRUNCATED_STD);
  return truncatedNormal(key, -2, 2, shape).map((value) => value * std);
}

function unitRows(values: Float32Array, width: number): Float32Array {
  for (let from = 0; from < values.length; from += width) {
    const row = values.subarray(from, from + width);
    const length = Math.hypot(...row);
    for (let j = 0; j < width; j++) row[j] = (row[j] as number) / length;
  }
  return values;
}
