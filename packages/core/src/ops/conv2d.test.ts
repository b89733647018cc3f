import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { onEachBackend } from '../../testing/backends.js';
import { gradientError, largestDifference, leakedTensors, sample } from '../../testing/gradient-check.js';
import { ShapeError } from '../errors.js';
import { type Conv2dOptions, conv2d } from './conv2d.js';

onEachBackend(
  () => {
    const ASYMMETRIC: Conv2dOptions = {
      stride: 2,
      padding: [
        [0, 1],
        [2, 1],
      ],
    };

    test('padding [[top, bottom], [left, right]], stride 2, by hand', async () => {
      // Row (1 2), padded to (0 0 1 2 0); kernel (1 10 100) over columns, stride 2: 0+0+100,
      // 1+20+0. The zero row below adds nothing.
      const x = tf.tensor4d([1, 2], [1, 1, 2, 1]);
      const y = conv2d(x, tf.tensor4d([1, 10, 100], [1, 3, 1, 1]), tf.tensor1d([1000]), ASYMMETRIC);
      expect([y.shape, [...(await y.data())]]).toEqual([
        [1, 1, 2, 1],
        [1100, 1021],
      ]);
    });

    test.each([{}, { padding: 'valid' }, { stride: 2 }, ASYMMETRIC] as Conv2dOptions[])(
      'gradients against finite differences %j',
      (options) => {
        const inputs = [sample([2, 4, 5, 2], 1), sample([3, 3, 2, 3], 2), sample([3], 3)];
        const f = (x?: tf.Tensor, kernel?: tf.Tensor, bias?: tf.Tensor) =>
          conv2d(x as tf.Tensor4D, kernel as tf.Tensor4D, bias, options);
        expect(gradientError(f, inputs)).toBeLessThan(2e-3);
        expect(gradientError(f, inputs.slice(0, 2))).toBeLessThan(2e-3);
      },
    );

    test('relu, its gradients, and no tensors left', async () => {
      const inputs = [sample([2, 4, 5, 2], 1), sample([3, 3, 2, 3], 2), sample([3], 3)] as const;
      const f = (x?: tf.Tensor, kernel?: tf.Tensor, bias?: tf.Tensor) =>
        conv2d(x as tf.Tensor4D, kernel as tf.Tensor4D, bias, { activation: 'relu' });
      const expected = (x?: tf.Tensor, kernel?: tf.Tensor, bias?: tf.Tensor) =>
        tf.relu(conv2d(x as tf.Tensor4D, kernel as tf.Tensor4D, bias));
      expect(largestDifference(f(...inputs), expected(...inputs))).toBeLessThan(1e-5);
      const loss =
        (of: typeof f) =>
        (...xs: tf.Tensor[]) =>
          tf.sum(tf.square(of(...xs)));
      const gradients = (of: typeof f, count: number) => tf.grads(loss(of))(inputs.slice(0, count));
      for (const count of [2, 3]) {
        const [actual, wanted] = [gradients(f, count), gradients(expected, count)];
        for (const [i, gradient] of wanted.entries())
          expect(largestDifference(actual[i] as tf.Tensor, gradient)).toBeLessThan(1e-4);
      }
      expect(leakedTensors(() => f(...inputs))).toBe(0);
      expect(leakedTensors(() => tf.tidy(() => gradients(f, 3)))).toBe(0);
    });

    test('leaves no tensors; what does not fit is named', () => {
      const [x, kernel] = [tf.ones([1, 4, 4, 2]) as tf.Tensor4D, tf.ones([3, 3, 2, 3]) as tf.Tensor4D];
      const bias = tf.ones([3]);
      expect(leakedTensors(() => conv2d(x, kernel, bias))).toBe(0);
      expect(() => conv2d(tf.ones([1, 4, 4, 3]), kernel, undefined)).toThrow(ShapeError);
      expect(() => conv2d(x, kernel, tf.ones([2]))).toThrow('expected bias [3]');
    });
  },
  { wasm: 'it has no kernel Conv2DBackpropFilter' },
);
