import { beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { difference, ROUNDINGS, someValues, underEachTarget } from '../against-cpu.js';
import '../index.js';

beforeAll(() => void tf.setBackend('native'));

const run = (inputs: Record<string, tf.Tensor>) => tf.engine().runKernel('Linear', inputs) as tf.Tensor;

test.each([[[7]], [[3, 7]], [[2, 1, 7]], [[2, 3, 5, 7]], [[0, 7]], [[2, 0, 3, 7]]])(
  'x %j is multiplied as its rows are, with and without a bias',
  (shape) => {
    const x = tf.tensor(someValues(tf.util.sizeFromShape(shape), 1, 2), shape);
    const kernel = tf.tensor2d(someValues(7 * 19, 1, 3), [7, 19]);
    const bias = tf.tensor1d(someValues(19, 1, 4));
    const product = tf.matMul(tf.reshape(x, [-1, 7]), kernel);
    underEachTarget((target) => {
      for (const [inputs, expected] of [
        [{ x, kernel }, product],
        [{ x, kernel, bias }, tf.add(product, bias)],
      ] as const) {
        const y = run(inputs);
        expect(y.shape).toEqual([...shape.slice(0, -1), 19]);
        const problem = difference(y.dataSync(), expected.dataSync(), ROUNDINGS);
        if (problem) throw new Error(`${target}${problem}`);
      }
    });
  },
);

test('what does not fit is refused', () => {
  const [x, kernel] = [tf.ones([2, 3]), tf.ones([3, 4])];
  expect(() => run({ x: tf.ones([2, 4]), kernel })).toThrow(
    'expected x [.., I], kernel [I, O] and bias [O], got [2,4], [3,4] and none',
  );
  expect(() => run({ x, kernel, bias: tf.ones([3]) })).toThrow('got [2,3], [3,4] and [3]');
  expect(() => run({ x: tf.ones([2, 3], 'int32'), kernel })).toThrow(/float32/);
});
