import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { onEachBackend } from '../../testing/backends.js';
import { gradientError, largestDifference, leakedTensors, sample } from '../../testing/gradient-check.js';
import { ShapeError } from '../errors.js';
import { layerNorm, rmsNorm } from './norm.js';

onEachBackend(() => {
  describe('layerNorm', () => {
    test('[1,4] by hand', async () => {
      // Mean 2.5, variance 1.25; epsilon 0: (x − 2.5)/1.1180340.
      const y = layerNorm(tf.tensor2d([1, 2, 3, 4], [1, 4]), undefined, undefined, 0);
      for (const [i, expected] of [-1.3416408, -0.4472136, 0.4472136, 1.3416408].entries()) {
        expect((await y.data())[i]).toBeCloseTo(expected, 6);
      }
    });

    test('scale and bias come after, epsilon inside the root', async () => {
      // Mean 1, variance 1, epsilon 3: (x − 1)/2.
      const y = layerNorm(tf.tensor2d([0, 2], [1, 2]), tf.tensor1d([10, 20]), tf.tensor1d([1, 2]), 3);
      expect(await y.data()).toEqual(Float32Array.of(-4, 12));
    });

    test('a large mean costs no digits', () => {
      const x = sample([3, 7]);
      const shifted = layerNorm(tf.add(x, 4096), undefined, undefined);
      // 4096 + x is rounded to 2^-12 steps; E[x²] − E[x]² would be off by more than the variance
      // itself.
      expect(largestDifference(shifted, layerNorm(x, undefined, undefined))).toBeLessThan(2e-3);
    });

    test('a constant row gives the bias, one column gives 0', async () => {
      const y = layerNorm(tf.fill([2, 3], 7), undefined, tf.tensor1d([1, 2, 3]));
      expect(await y.data()).toEqual(Float32Array.of(1, 2, 3, 1, 2, 3));
      expect(await layerNorm(tf.tensor2d([5, -5], [2, 1]), undefined, undefined).data()).toEqual(
        Float32Array.of(0, 0),
      );
    });

    test('gradients against finite differences, with and without scale and bias', () => {
      const [x, scale, bias] = [sample([2, 3, 5], 1), sample([5], 2), sample([5], 3)];
      expect(gradientError((x, s, b) => layerNorm(x as tf.Tensor, s, b), [x, scale, bias])).toBeLessThan(
        5e-3,
      );
      expect(gradientError((x, b) => layerNorm(x as tf.Tensor, undefined, b), [x, bias])).toBeLessThan(5e-3);
      expect(gradientError((x) => layerNorm(x as tf.Tensor, undefined, undefined), [x])).toBeLessThan(5e-3);
    });

    test('leaves no tensors; misshapen weights and scalars are errors', () => {
      expect(leakedTensors(() => layerNorm(tf.ones([2, 3]), undefined, undefined))).toBe(1); // its argument
      expect(() => layerNorm(tf.ones([2, 3]), tf.ones([2]), undefined)).toThrow(ShapeError);
      expect(() => layerNorm(tf.ones([2, 3]), undefined, tf.ones([1, 3]))).toThrow(
        'expected bias of shape [3]',
      );
      expect(() => layerNorm(tf.scalar(1), undefined, undefined)).toThrow(ShapeError);
    });
  });

  describe('rmsNorm', () => {
    test('[1,2] by hand', async () => {
      // Mean square 25, epsilon 0: x/5, times scale.
      const y = rmsNorm(tf.tensor2d([1, 7], [1, 2]), tf.tensor1d([10, 5]), 0);
      for (const [i, expected] of [2, 7].entries()) expect((await y.data())[i]).toBeCloseTo(expected, 5);
    });

    test('gradients against finite differences', () => {
      const [x, scale] = [sample([3, 5], 4), sample([5], 5)];
      expect(gradientError((x, s) => rmsNorm(x as tf.Tensor, s), [x, scale])).toBeLessThan(5e-3);
      expect(gradientError((x) => rmsNorm(x as tf.Tensor, undefined), [x])).toBeLessThan(5e-3);
    });
  });
});
