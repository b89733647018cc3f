import { normal, prngKey } from '@easel/core';
import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { FAST_BACKEND } from '../testing/backends.js';
import { nearestCodes } from './quantizer.js';

beforeAll(async () => void (await tf.setBackend(FAST_BACKEND)));

describe('nearestCodes', () => {
  const codes = tf.tensor2d([
    [1, 0],
    [0, 3],
    [1, 0],
    [-1, -1],
  ]);

  test('Euclidean distance, not the largest product', () => {
    // To (0.6, 1.1): squared distances 1.37, 3.97, 1.37, 6.97, though the product with (0, 3) is
    // the largest.
    expect([...nearestCodes(tf.tensor2d([[0.6, 1.1]]), codes).dataSync()]).toEqual([0]);
  });

  test('the first of equals', () => {
    const rows = tf.tensor2d([
      [1, 0],
      [0, 2],
      [-5, -5],
    ]);
    const indices = nearestCodes(rows, codes);
    expect([...indices.dataSync()]).toEqual([0, 1, 3]);
    expect(indices.dtype).toBe('int32');
  });
});

// tfjs's wasm backend ignores the bias of some fused products.
test.each(['cpu', 'wasm', FAST_BACKEND])(
  'the nearest of random codes on %s, beside a plain search',
  async (backend) => {
    await tf.setBackend(backend);
    const rows = normal(prngKey(1), [5, 4]);
    const codes = normal(prngKey(2), [7, 4]);
    const expected = Array.from({ length: 5 }, (_, row) => {
      const distances = Array.from({ length: 7 }, (_, code) =>
        [0, 1, 2, 3].reduce(
          (sum, i) => sum + ((rows[4 * row + i] as number) - (codes[4 * code + i] as number)) ** 2,
          0,
        ),
      );
      return distances.indexOf(Math.min(...distances));
    });
    const found = nearestCodes(tf.tensor2d(rows, [5, 4]), tf.tensor2d(codes, [7, 4]));
    expect([...found.dataSync()]).toEqual(expected);
  },
);
