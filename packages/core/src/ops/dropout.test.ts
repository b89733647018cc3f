import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { onEachBackend } from '../../testing/backends.js';
import { leakedTensors, sample } from '../../testing/gradient-check.js';
import { ConfigError } from '../errors.js';
import { prngKey, uniform } from '../random/index.js';
import { dropout } from './dropout.js';

onEachBackend(() => {
  test('keeps x/(1 − rate) where uniform(key) < 1 − rate, and passes the gradient through the same mask', async () => {
    const key = prngKey(7);
    const x = sample([3, 5, 7]);
    const y = await dropout(x, 0.25, key).data();
    const draws = uniform(key, [3, 5, 7]);
    const values = await x.data();
    const gradient = await tf
      .grad((x) => tf.sum(dropout(x, 0.25, key)))(x)
      .data();
    for (const [i, draw] of draws.entries()) {
      const factor = draw < 0.75 ? 1 / 0.75 : 0;
      expect(y[i]).toBeCloseTo((values[i] as number) * factor, 6);
      expect(gradient[i]).toBeCloseTo(factor, 6);
    }
  });

  test('about rate of the elements go, and rate 0 keeps all', async () => {
    const ones = tf.ones([10000]);
    const kept = (await dropout(ones, 0.1, prngKey(1)).data()).filter((value) => value > 0).length;
    expect(Math.abs(kept - 9000)).toBeLessThan(150); // five standard deviations of 30
    expect(await dropout(tf.ones([2]), 0, prngKey(1)).data()).toEqual(Float32Array.of(1, 1));
  });

  test('leaves no tensors; a rate outside [0, 1) is an error', () => {
    const x = sample([3]);
    expect(leakedTensors(() => dropout(x, 0.5, prngKey(0)))).toBe(0);
    for (const rate of [1, -0.1, Number.NaN]) expect(() => dropout(x, rate, prngKey(0))).toThrow(ConfigError);
  });
});
