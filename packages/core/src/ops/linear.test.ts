import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { onEachBackend } from '../../testing/backends.js';
import { gradientError, largestDifference, leakedTensors, sample } from '../../testing/gradient-check.js';
import { ShapeError } from '../errors.js';
import { hasKernel } from './fused-kernel.js';
import { linear } from './linear.js';
import { valueAndGrads } from './value-and-grads.js';

onEachBackend(() => {
  test('[2,2]·[2,1] + [1] by hand; any number of leading axes', async () => {
    const [kernel, bias] = [tf.tensor2d([1, 10], [2, 1]), tf.tensor1d([100])];
    const y = linear(tf.tensor3d([1, 2, 3, 4], [2, 1, 2]), kernel, bias);
    expect([y.shape, [...(await y.data())]]).toEqual([
      [2, 1, 1],
      [121, 143],
    ]);
    expect(linear(tf.ones([2]), kernel).shape).toEqual([1]);
    expect(linear(tf.ones([0, 2]), kernel, bias).shape).toEqual([0, 1]);
  });

  test('gradients against finite differences, with and without bias', () => {
    const inputs = [sample([2, 3, 5], 1), sample([5, 4], 2), sample([4], 3)];
    const f = (x?: tf.Tensor, kernel?: tf.Tensor, bias?: tf.Tensor) =>
      linear(x as tf.Tensor, kernel as tf.Tensor, bias);
    expect(gradientError(f, inputs)).toBeLessThan(1e-3);
    expect(gradientError(f, inputs.slice(0, 2))).toBeLessThan(1e-3);
  });

  test('products of one x: each adds its gradient by x to what is there', () => {
    const x = tf.variable(sample([2, 3, 5], 1));
    const kernels = [2, 3, 4].map((seed) => sample([5, 4], seed));
    const loss = () => tf.sum(tf.addN(kernels.map((kernel) => tf.square(linear(x, kernel))))) as tf.Scalar;
    const reference = tf.variableGrads(loss, [x]).grads[x.name] as tf.Tensor;
    const before = tf.memory().numTensors;
    const { value, grads } = valueAndGrads(loss, new Map([['x', x]]));
    expect(tf.memory().numTensors).toBe(before + 2);
    expect(largestDifference(grads.get('x') as tf.Tensor, reference)).toBeLessThan(1e-6);
    const add = tf.getKernel('Add', tf.getBackend());
    const original = add.kernelFunc;
    let additions = 0;
    add.kernelFunc = (params) => {
      additions++;
      return original(params);
    };
    tf.dispose([value, ...grads.values()]);
    tf.tidy(() => {
      valueAndGrads(loss, new Map([['x', x]]));
    });
    add.kernelFunc = original;
    expect(additions).toBe(hasKernel('Linear') ? 0 : 2);
    x.dispose();
  });

  test('activation, then the residual, by hand', async () => {
    // relu([1·1 − 2·1, 1·1 + 2·1]) + [10, 20]
    const y = linear(tf.tensor2d([1, 2], [1, 2]), tf.tensor2d([1, 1, -1, 1], [2, 2]), undefined, {
      activation: 'relu',
      residual: tf.tensor2d([10, 20], [1, 2]),
    });
    expect([...(await y.data())]).toEqual([10, 23]);
  });

  test.each(['relu', 'gelu', 'gelu_tanh', 'silu'] as const)(
    'gradients with %s and a residual, which may be x itself',
    (activation) => {
      const inputs = [sample([2, 3, 5], 1), sample([5, 5], 2), sample([5], 3), sample([2, 3, 5], 4)];
      const f = (x?: tf.Tensor, kernel?: tf.Tensor, bias?: tf.Tensor, residual?: tf.Tensor) =>
        linear(x as tf.Tensor, kernel as tf.Tensor, bias, { activation, residual: residual as tf.Tensor });
      // relu's corner is within a step of some of the sums.
      expect(gradientError(f, inputs, 1e-3)).toBeLessThan(1e-2);
      expect(gradientError((x, kernel) => f(x, kernel, undefined, x), inputs.slice(0, 2), 1e-3)).toBeLessThan(
        1e-2,
      );
      expect(leakedTensors(() => f(...inputs))).toBe(0);
      expect(leakedTensors(() => tf.tidy(() => tf.grads((...xs) => tf.sum(f(...xs)))(inputs)))).toBe(0);
    },
  );

  test('leaves no tensors; what does not fit is named', () => {
    const [x, kernel, bias] = [tf.ones([2, 3]), tf.ones([3, 4]), tf.ones([4])];
    expect(leakedTensors(() => linear(x, kernel, bias))).toBe(0);
    expect(() => linear(tf.ones([2, 4]), kernel)).toThrow('last axis 3 for kernel [3,4], got [2,4]');
    expect(() => linear(x, kernel, tf.ones([3]))).toThrow(ShapeError);
    expect(() => linear(x, kernel, bias, { residual: bias })).toThrow('expected residual [2,4]');
  });
});
