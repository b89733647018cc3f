import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { onEachBackend } from '../../testing/backends.js';
import { readTogether } from './read-together.js';

onEachBackend(() => {
  test('scalars, a matrix and whole numbers come apart again, by one read', async () => {
    const tensors = [
      tf.scalar(0.25),
      tf.tensor2d([1, -2, 3, Number.NaN, 5, Number.POSITIVE_INFINITY], [2, 3]),
      tf.tensor1d([7, 2 ** 24, -9], 'int32'),
      tf.zeros([0]),
    ];
    const before = tf.memory().numTensors;
    const [scalar, matrix, whole, empty] = await readTogether(tensors);
    expect(tf.memory().numTensors).toBe(before);
    expect([...(scalar as Float32Array)]).toEqual([0.25]);
    expect([...(matrix as Float32Array)]).toEqual([1, -2, 3, Number.NaN, 5, Number.POSITIVE_INFINITY]);
    expect([...(whole as Float32Array)]).toEqual([7, 2 ** 24, -9]);
    expect(empty).toHaveLength(0);
    tf.dispose(tensors);
  });

  test('of nothing', async () => {
    expect(await readTogether([])).toEqual([]);
  });
});
