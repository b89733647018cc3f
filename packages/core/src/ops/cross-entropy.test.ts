import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { onEachBackend } from '../../testing/backends.js';
import { gradientError, leakedTensors, sample } from '../../testing/gradient-check.js';
import { ShapeError } from '../errors.js';
import { sparseCrossEntropy } from './cross-entropy.js';

onEachBackend(() => {
  test('[2,2] by hand', async () => {
    // Row 1: probabilities 3/4 and 1/4; label 0: ln 4/3. Row 2: equal; ln 2.
    const loss = sparseCrossEntropy(
      tf.tensor2d([Math.log(3), 0, 5, 5], [2, 2]),
      tf.tensor1d([0, 1], 'int32'),
    );
    expect((await loss.data())[0]).toBeCloseTo(Math.log(4 / 3), 6);
    expect((await loss.data())[1]).toBeCloseTo(Math.LN2, 6);
  });

  test('large logits neither overflow nor lose the difference', async () => {
    const loss = sparseCrossEntropy(
      tf.tensor2d([1000, 0, -1000, -1001], [2, 2]),
      tf.tensor1d([1, 1], 'int32'),
    );
    expect((await loss.data())[0]).toBe(1000);
    expect((await loss.data())[1]).toBeCloseTo(1.3132617, 4);
  });

  test('gradient: finite differences, and softmax − oneHot in total', async () => {
    const labels = tf.tensor1d([4, 0, 2], 'int32');
    const f = (logits?: tf.Tensor) => sparseCrossEntropy(logits as tf.Tensor2D, labels);
    expect(gradientError(f, [sample([3, 5])])).toBeLessThan(1e-3);
    const gradient = tf.grad((x) => f(x))(tf.zeros([3, 5]));
    for (const [i, value] of (await gradient.data()).entries()) {
      const target = [4, 0, 2][Math.floor(i / 5)] === i % 5 ? 1 : 0;
      expect(value).toBeCloseTo(0.2 - target, 6);
    }
  });

  test('leaves no tensors; labels of another type or length are errors', () => {
    const logits = sample([3, 5]) as tf.Tensor2D;
    const labels = tf.tensor1d([0, 1, 2], 'int32');
    expect(leakedTensors(() => sparseCrossEntropy(logits, labels))).toBe(0);
    expect(() => sparseCrossEntropy(logits, tf.tensor1d([0, 1, 2]))).toThrow(ShapeError);
    expect(() => sparseCrossEntropy(logits, tf.tensor1d([0, 1], 'int32'))).toThrow('int32 labels [R]');
  });
});
