import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { onEachBackend } from '../../testing/backends.js';
import { gradientError, leakedTensors, sample } from '../../testing/gradient-check.js';
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

  test('several steps, each row at a place of its own, in a row of its own of the cache', async () => {
    const cache = sample([4, 5, 3]) as tf.Tensor3D;
    const rows = sample([2, 2, 3], 7) as tf.Tensor3D;
    const expected = [...(await cache.data())];
    const written = await rows.data();
    // Row 0 goes to places 3 and 4 of the cache's row 2, row 1 to places 0 and 1 of its row 0.
    expected.splice((2 * 5 + 3) * 3, 6, ...written.subarray(0, 6));
    expected.splice(0, 6, ...written.subarray(6));
    const ints = (...values: number[]): tf.Tensor1D => tf.tensor1d(values, 'int32');
    const result = updateRows(cache, rows, ints(3, 0), { cacheRows: ints(2, 0) });
    expect([...(await result.data())]).toEqual(expected);
  });

  test('one position for all rows of the cache, and positions without rows', async () => {
    const rows = tf.tensor3d([1, 2, 3, 4], [2, 1, 2]);
    const ints = (...values: number[]): tf.Tensor1D => tf.tensor1d(values, 'int32');
    const some = updateRows(tf.zeros([3, 2, 2]), rows, 1, { cacheRows: ints(2, 0) });
    expect([...(await some.data())]).toEqual([0, 0, 3, 4, 0, 0, 0, 0, 0, 0, 1, 2]);
    const all = updateRows(tf.zeros([2, 2, 2]), rows, ints(1, 0));
    expect([...(await all.data())]).toEqual([0, 0, 1, 2, 3, 4, 0, 0]);
  });

  test('gradients of cache and rows against finite differences', () => {
    const places = tf.tensor1d([1, 0], 'int32');
    const cacheRows = tf.tensor1d([2, 0], 'int32');
    const f = (cache?: tf.Tensor, rows?: tf.Tensor) =>
      updateRows(cache as tf.Tensor3D, rows as tf.Tensor3D, places, { cacheRows });
    expect(gradientError(f, [sample([3, 4, 2], 1), sample([2, 3, 2], 2)])).toBeLessThan(1e-3);
  });

  test('leaves no tensors; what does not fit is named', () => {
    const cache = sample([2, 3, 2]) as tf.Tensor3D;
    const rows = sample([2, 1, 2]) as tf.Tensor3D;
    expect(leakedTensors(() => updateRows(cache, rows, 1))).toBe(0);
    expect(() => updateRows(cache, rows, 3)).toThrow('a position from 0 to 2, got 3');
    expect(() => updateRows(cache, rows, 0.5)).toThrow(ShapeError);
    expect(() => updateRows(cache, sample([2, 4, 2]) as tf.Tensor3D, 0)).toThrow('a position from 0 to -1');
    expect(() => updateRows(cache, sample([3, 1, 2]) as tf.Tensor3D, 0)).toThrow('B = C without cacheRows');
    const positions = tf.tensor1d([0, 1, 2], 'int32');
    expect(() => updateRows(cache, rows, positions)).toThrow('position int32 [2], a number for each row');
  });
});
