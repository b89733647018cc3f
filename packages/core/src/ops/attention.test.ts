import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../errors.js';
import { onEachBackend } from '../testing/backends.js';
import { gradientError, largestDifference, leakedTensors, sample } from '../testing/gradient-check.js';
import { attention } from './attention.js';

onEachBackend(() => {
  const sample3 = (shape: [number, number, number], seed: number) => sample(shape, seed) as tf.Tensor3D;

  test('one head, one query, by hand', async () => {
    // Scores q·k = (ln 3, 0), scale 1: weights (3/4, 1/4). 3/4·(8, 0) + 1/4·(0, 4) = (6, 1).
    const q = tf.tensor3d([1, 0], [1, 1, 2]);
    const k = tf.tensor3d([Math.log(3), 5, 0, 5], [1, 2, 2]);
    const v = tf.tensor3d([8, 0, 0, 4], [1, 2, 2]);
    const y = await attention(q, k, v, { heads: 1, scale: 1 }).data();
    expect(y[0]).toBeCloseTo(6, 5);
    expect(y[1]).toBeCloseTo(1, 5);
  });

  test('default scale is 1/√K; heads lie side by side', async () => {
    const [q, k, v] = [sample3([2, 3, 10], 1), sample3([2, 7, 10], 2), sample3([2, 7, 10], 3)];
    const y = attention(q, k, v, { heads: 2 });
    expect(y.shape).toEqual([2, 3, 10]);
    const second = [q, k, v].map((x) => tf.slice(x, [0, 0, 5], [-1, -1, 5]) as tf.Tensor3D);
    const alone = attention(...(second as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D]), {
      heads: 1,
      scale: 1 / Math.sqrt(5),
    });
    expect(largestDifference(tf.slice(y, [0, 0, 5], [-1, -1, 5]), alone)).toBeLessThan(1e-6);
  });

  test('a masked key is as good as absent, and keyLength cuts keys and bias', async () => {
    const [q, k, v] = [sample3([1, 3, 6], 1), sample3([1, 5, 6], 2), sample3([1, 5, 6], 3)];
    const cut = [k, v].map((x) => tf.slice(x, [0, 0, 0], [-1, 4, -1]) as tf.Tensor3D) as [
      tf.Tensor3D,
      tf.Tensor3D,
    ];
    const expected = attention(q, ...cut, { heads: 3 });
    const mask = tf.tensor4d([0, 0, 0, 0, -1e9], [1, 1, 1, 5]);
    expect(largestDifference(attention(q, k, v, { heads: 3, bias: mask }), expected)).toBeLessThan(1e-6);
    expect(largestDifference(attention(q, k, v, { heads: 3, keyLength: 4 }), expected)).toBeLessThan(1e-6);
    expect(
      largestDifference(attention(q, k, v, { heads: 3, keyLength: 4, bias: mask }), expected),
    ).toBeLessThan(1e-6);
  });

  describe('gradients against finite differences', () => {
    const inputs = [sample([2, 3, 4], 1), sample([2, 5, 4], 2), sample([2, 5, 4], 3)];
    const run =
      (options: Omit<Parameters<typeof attention>[3], 'heads'>) =>
      (q?: tf.Tensor, k?: tf.Tensor, v?: tf.Tensor) =>
        attention(q as tf.Tensor3D, k as tf.Tensor3D, v as tf.Tensor3D, { heads: 2, ...options });

    test('of q, k, v', () => {
      expect(gradientError(run({}), inputs)).toBeLessThan(1e-3);
    });

    test('with keyLength', () => {
      expect(gradientError(run({ keyLength: 3 }), inputs)).toBeLessThan(1e-3);
    });

    test.each([[[2, 2, 3, 5]], [[1, 2, 1, 5]], [[2, 1, 1, 5]]])('with bias %p, and of the bias', (shape) => {
      const f = (q?: tf.Tensor, k?: tf.Tensor, v?: tf.Tensor, bias?: tf.Tensor) =>
        run({ bias: bias as tf.Tensor4D })(q, k, v);
      expect(gradientError(f, [...inputs, sample(shape, 4)])).toBeLessThan(1e-3);
    });
  });

  test('leaves no tensors; what does not fit is named', () => {
    const [q, k] = [sample3([2, 3, 6], 1), sample3([2, 5, 6], 2)];
    expect(leakedTensors(() => attention(q, k, k, { heads: 2, keyLength: 3 }))).toBe(0);
    expect(() => attention(q, k, q, { heads: 2 })).toThrow(ShapeError);
    expect(() => attention(q, k, k, { heads: 4 })).toThrow('multiple of the heads, got 6 and 4 heads');
    expect(() => attention(q, k, k, { heads: 2, keyLength: 6 })).toThrow('keyLength from 1 to 5, got 6');
    expect(() => attention(q, k, k, { heads: 2, bias: tf.zeros([1, 1, 1, 4]) })).toThrow(
      'bias [1 or 2, 1 or 2, 1 or 3, 5]',
    );
  });
});
