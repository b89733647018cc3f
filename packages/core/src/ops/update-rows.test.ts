import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { onEachBackend } from '../../testing/backends.js';
import { leakedTensors, sample } from '../../testing/gradient-check.js';
import { ShapeError } from '../errors.js';
import { updateRows } from './update-rows.js';

onEachBackend(() => {
  test.each([0, 1, 2])('writes row %d of each batch entry', async (position) => {
    const cache = sample([2, 3, 2]) as tf.Tensor3D;
    const rows = tf.tensor3d([1, 2, 3, 4], [2, 1, 2]);
    const expected = [...(await cache.data())];
    expected.splice(2 * position, 2, 1, 2);
    expected.splice(6 + 2 * position, 2, 3, 4);
    expect([...(await updateRows(cache, rows, position).data())]).toEqual(expected);
  });

  test('leaves no tensors; what does not fit is named', () => {
    const cache = sample([2, 3, 2]) as tf.Tensor3D;
    const rows = sample([2, 1, 2]) as tf.Tensor3D;
    expect(leakedTensors(() => updateRows(cache, rows, 1))).toBe(0);
    expect(() => updateRows(cache, rows, 3)).toThrow('a position from 0 to 2, got 3');
    expect(() => updateRows(cache, rows, 0.5)).toThrow(ShapeError);
    expect(() => updateRows(cache, sample([2, 2, 2]) as tf.Tensor3D, 0)).toThrow('rows [B, 1, D]');
  });
});
