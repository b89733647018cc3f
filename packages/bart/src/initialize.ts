import { type Key, normal, split } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import { keyAt } from './flax-place.js';
import type { DalleBart } from './model.js';
import { bartParameters, type Parameter } from './parameters.js';

/**
 * Gives a model fresh weights. They are the numbers that the original draws for a seed; `key` is
 * prngKey(seed).
 *
 * Kernels, embeddings and position biases are initStd·N(0, 1), times the gain of DeepNet or Magneto
 * where the config asks for it; scales are 1, biases 0. `only` chooses weights by name (default
 * all). The others stay as they are.
 */
export function initializeDalleBart(
  model: DalleBart,
  key: Key,
  only: (name: string) => boolean = () => true,
): void {
  const table = bartParameters(model.config).filter(({ name }) => only(name));
  fillFresh(model.namedWeights(), table, split(key)[0] as Key, model.config.initStd);
}

/** Gives every weight of a table its start value, drawn with keys that are folded out of `root`. */
export function fillFresh(
  weights: ReadonlyMap<string, tf.Variable>,
  table: readonly Parameter[],
  root: Key,
  initStd: number,
): void {
  for (const parameter of table) {
    const fresh = tf.tensor(startValues(parameter, root, initStd), [...parameter.shape]);
    (weights.get(parameter.name) as tf.Variable).assign(fresh);
    fresh.dispose();
  }
}

/**
 * Computes the start values of one weight. Each product is rounded to float32, in the original's
 * order: draw, initStd, gain.
 */
function startValues(parameter: Parameter, root: Key, initStd: number): Float32Array {
  const { shape, place, siblings, start } = parameter;
  const size = shape.reduce((product, side) => product * side, 1);
  if ('constant' in start) return new Float32Array(size).fill(start.constant);
  const values = normal(keyAt(root, place, 1, siblings), shape);
  const std = Math.fround(initStd);
  const gain = Math.fround(start.gain);
  for (let i = 0; i < size; i++) values[i] = Math.fround((values[i] as number) * std) * gain;
  return values;
}
