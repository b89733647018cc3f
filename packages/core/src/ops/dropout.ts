import * as tf from '@tensorflow/tfjs';
import { ConfigError } from '../errors.js';
import { type Key, uniform } from '../random/index.js';

/**
 * Keeps each element with probability 1 − rate, divided by 1 − rate, and sets the others to 0.
 *
 * x is float32 of any shape. The mask is uniform(key, x.shape) < 1 − rate, so equal keys give jax's
 * and Flax's mask. Rate 0 returns a clone. Throws ConfigError unless 0 ≤ rate < 1.
 */
export function dropout<T extends tf.Tensor>(x: T, rate: number, key: Key): T {
  if (!(rate >= 0 && rate < 1))
    throw new ConfigError(`dropout: expected a rate from 0 to below 1, got ${rate}.`);
  if (rate === 0) return tf.clone(x);
  const draws = uniform(key, x.shape);
  const keep = Math.fround(1 - rate);
  const factor = 1 / keep;
  for (let i = 0; i < draws.length; i++) draws[i] = (draws[i] as number) < keep ? factor : 0;
  return tf.tidy(() => tf.mul(x, tf.tensor(draws, x.shape, 'float32')) as T);
}
