import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { onEachBackend } from '../../testing/backends.js';
import { gradientError, leakedTensors, sample } from '../../testing/gradient-check.js';
import { normalizeL2 } from './normalize.js';

onEachBackend(() => {
  test('[2,2] by hand: (3, 4)/(5 + 5), and zeros stay zeros', async () => {
    const y = normalizeL2(tf.tensor2d([3, 4, 0, 0], [2, 2]), 5);
    expect(await y.data()).toEqual(Float32Array.of(Math.fround(0.3), Math.fround(0.4), 0, 0));
  });

  test('gradient against finite differences, finite at zero, no tensors left', async () => {
    expect(gradientError((x) => normalizeL2(x as tf.Tensor, 0.1), [sample([3, 5])])).toBeLessThan(2e-3);
    const atZero = await tf
      .grad((x) => tf.sum(normalizeL2(x)))(tf.zeros([1, 3]))
      .data();
    expect([...atZero].every(Number.isFinite)).toBe(true);
    const x = sample([3, 5]);
    expect(leakedTensors(() => normalizeL2(x))).toBe(0);
  });
});
