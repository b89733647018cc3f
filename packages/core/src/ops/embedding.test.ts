import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { onEachBackend } from '../../testing/backends.js';
import { gradientError, leakedTensors, sample } from '../../testing/gradient-check.js';
import { ShapeError } from '../errors.js';
import { embedding } from './embedding.js';

onEachBackend(() => {
  test('rows by id, ids of any rank', async () => {
    const table = tf.tensor2d([0, 1, 10, 11, 20, 21], [3, 2]);
    const y = embedding(table, tf.tensor3d([2, 0, 2], [1, 3, 1], 'int32'));
    expect([y.shape, [...(await y.data())]]).toEqual([
      [1, 3, 1, 2],
      [20, 21, 0, 1, 20, 21],
    ]);
  });

  test('gradient adds the rows of equal ids, and is 0 where no id pointed', async () => {
    const ids = tf.tensor1d([2, 0, 2], 'int32');
    const dy = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
    const gradient = tf.grad((table) => tf.sum(tf.mul(embedding(table, ids), dy)))(tf.zeros([4, 2]));
    expect(await gradient.data()).toEqual(Float32Array.of(3, 4, 0, 0, 6, 8, 0, 0));
    expect(gradientError((table) => embedding(table as tf.Tensor, ids), [sample([3, 5])])).toBeLessThan(1e-3);
  });

  test('leaves no tensors; other ids and tables are errors', () => {
    const [table, ids] = [sample([3, 2]), tf.tensor1d([1], 'int32')];
    expect(leakedTensors(() => embedding(table, ids))).toBe(0);
    expect(() => embedding(table, tf.tensor1d([1]))).toThrow(ShapeError);
    expect(() => embedding(tf.ones([3]), ids)).toThrow('expected a table [V, D]');
  });
});
