import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { onEachBackend } from '../../testing/backends.js';
import { gradientError, leakedTensors, sample } from '../../testing/gradient-check.js';
import { ShapeError } from '../errors.js';
import { groupNorm } from './group-norm.js';

onEachBackend(() => {
  test('groups are neighbouring channels, each sample on its own', async () => {
    // One sample, one place, two groups of two channels: (0, 2) has mean 1 and variance 1, (10, 30)
    // mean 20 and variance 100.
    const x = tf.tensor4d([0, 2, 10, 30, 0, 0, 0, 0], [2, 1, 1, 4]);
    const y = groupNorm(x, tf.tensor1d([1, 1, 1, 2]), tf.tensor1d([0, 0, 5, 0]), {
      groups: 2,
      epsilon: 0.00000001,
    });
    const expected = [-1, 1, 4, 2, 0, 0, 5, 0];
    for (const [i, value] of (await y.data()).entries()) expect(value).toBeCloseTo(expected[i] as number, 5);
  });

  test('with as many groups as channels, a group is a channel over all places', async () => {
    const x = tf.tensor4d([1, 10, 3, 30], [1, 2, 1, 2]);
    const y = groupNorm(x, tf.ones([2]), tf.zeros([2]), { groups: 2, epsilon: 0 });
    expect(await y.data()).toEqual(Float32Array.of(-1, -1, 1, 1));
  });

  test('swish is silu of the result', async () => {
    const x = tf.tensor4d([1, 3], [1, 2, 1, 1]);
    const y = groupNorm(x, tf.ones([1]), tf.zeros([1]), { groups: 1, epsilon: 0, swish: true });
    expect((await y.data())[0]).toBeCloseTo(-0.2689414, 6); // −1·σ(−1)
    expect((await y.data())[1]).toBeCloseTo(0.7310586, 6);
  });

  test.each([false, true])('gradients against finite differences, swish %s', (swish) => {
    const inputs = [sample([2, 3, 2, 6], 1), sample([6], 2), sample([6], 3)];
    const f = (x?: tf.Tensor, s?: tf.Tensor, b?: tf.Tensor) =>
      groupNorm(x as tf.Tensor, s as tf.Tensor, b as tf.Tensor, { groups: 3, swish });
    expect(gradientError(f, inputs)).toBeLessThan(5e-3);
  });

  test('leaves no tensors; channels that do not divide and misshapen weights are errors', () => {
    const [x, one] = [tf.ones([1, 2, 2, 6]), tf.ones([6])];
    expect(leakedTensors(() => groupNorm(x, one, one, { groups: 3, swish: true }))).toBe(0);
    expect(() => groupNorm(x, one, one, { groups: 4 })).toThrow('C a multiple of 4 groups');
    expect(() => groupNorm(x, one, tf.ones([3]), { groups: 3 })).toThrow(ShapeError);
  });
});
