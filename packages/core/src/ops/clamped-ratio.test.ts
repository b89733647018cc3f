import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { onEachBackend } from '../../testing/backends.js';
import { clampedRatio } from './clamped-ratio.js';

onEachBackend(() => {
  test.each([
    ['within', 3, 1.75, 3],
    ['below 0', -3, 1.75, 0],
    ['above', 3, -0.24, 20],
    ['of zeros', 0, 0, 0],
    ['infinite', Number.POSITIVE_INFINITY, 1, 20],
    ['by infinity', 1, Number.POSITIVE_INFINITY, 0],
    ['of two infinities', Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.NaN],
    ['NaN above', Number.NaN, 1, Number.NaN],
    ['NaN below', 1, Number.NaN, Number.NaN],
  ])('2 · clamp(a/(b + ¼), 0, 10): %s', (_, a, b, expected) => {
    const [above, below] = [tf.scalar(a), tf.scalar(b)];
    const before = tf.memory().numTensors;
    const ratio = clampedRatio(above, below, { epsilon: 0.25, largest: 10, factor: 2 });
    expect(tf.memory().numTensors).toBe(before + 1);
    expect(ratio.shape).toEqual([]);
    if (Number.isNaN(expected)) expect(ratio.dataSync()[0]).toBeNaN();
    else expect(ratio.dataSync()[0]).toBeCloseTo(expected, 5);
    tf.dispose([above, below, ratio]);
  });
});
