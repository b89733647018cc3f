import { beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { difference, ROUNDINGS, someValues, underEachTarget } from '../../testing/against-cpu.js';
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

// One part of the depth and several, read in place and by strips, with a tail of columns.
test.each([
  [70, 33],
  [600, 3],
  [1030, 97],
  [512, 1040],
  [1100, 530],
])('[m, k] by [k = %i, n = %i]: a row is the same for every m up to 32', (k, n) => {
  const most = 32;
  const x = tf.tensor2d(someValues(most * k, 1, 2), [most, k]);
  const kernel = tf.tensor2d(someValues(k * n, 1, 3), [k, n]);
  const bias = tf.tensor1d(someValues(n, 1, 4));
  const product = (first: number, rows: number) =>
    tf.tidy(() => {
      const part = tf.slice(x, [first, 0], [rows, -1]);
      const inputs = { x: part, kernel, bias };
      return (tf.engine().runKernel('Linear', inputs, { activation: 'gelu' }) as tf.Tensor).dataSync();
    });
  underEachTarget((target) => {
    const all = product(0, most);
    for (const [first, rows] of [
      [5, 1],
      [30, 2],
      [7, 8],
      [3, 9],
      [12, 17],
      [0, 31],
    ] as const) {
      const expected = all.subarray(first * n, (first + rows) * n);
      const exactly = { absolute: 0, relative: 0 };
      expect([target, rows, difference(product(first, rows), expected, exactly)]).toEqual([
        target,
        rows,
        undefined,
      ]);
    }
  });
  tf.dispose([x, kernel, bias]);
});

test('what does not fit is refused', () => {
  const [x, kernel] = [tf.ones([2, 3]), tf.ones([3, 4])];
  expect(() => run({ x: tf.ones([2, 4]), kernel })).toThrow(
    'expected x [.., I], kernel [I, O] and bias [O], got [2,4], [3,4] and none',
  );
  expect(() => run({ x, kernel, bias: tf.ones([3]) })).toThrow('got [2,3], [3,4] and [3]');
  expect(() => run({ x: tf.ones([2, 3], 'int32'), kernel })).toThrow(/float32/);
});

// The activations of the engine's own kernels, with which the fused ones are compared. Sizes lie
// around tiles and vectors, for few rows and for many.
test.each([
  [1, 7, 33],
  [5, 20, 16],
  [70, 40, 47],
  [150, 130, 129],
])('[%i,%i]x[%i]: activation, then the residual', (m, k, n) => {
  const x = tf.tensor2d(someValues(m * k, 1, 2), [m, k]);
  const kernel = tf.tensor2d(someValues(k * n, 1, 3), [k, n]);
  const bias = tf.tensor1d(someValues(n, 1, 4));
  const residual = tf.tensor2d(someValues(m * n, 1, 5), [m, n]);
  const unary = (name: string, of: tf.Tensor, attrs: tf.NamedAttrMap = {}) =>
    tf.engine().runKernel(name, { x: of }, attrs) as tf.Tensor;
  const activations: Record<string, (z: tf.Tensor) => tf.Tensor> = {
    linear: (z) => z,
    relu: tf.relu,
    sigmoid: tf.sigmoid,
    gelu: (z) => unary('Gelu', z, { approximate: false }),
    gelu_tanh: (z) => unary('Gelu', z, { approximate: true }),
    silu: (z) => unary('Silu', z),
  };
  underEachTarget((target) => {
    const z = tf.add(tf.matMul(x, kernel), bias);
    for (const [activation, f] of Object.entries(activations)) {
      const y = tf.engine().runKernel('Linear', { x, kernel, bias, residual }, { activation }) as tf.Tensor;
      const worst = tf.max(tf.abs(tf.sub(y, tf.add(f(z), residual)))).dataSync()[0] as number;
      if (!(worst < 2e-5)) throw new Error(`${target}, ${activation}: differs by ${worst}`);
    }
  });
  expect(() => tf.engine().runKernel('Linear', { x, kernel, residual: bias })).toThrow('expected residual');
  expect(() => tf.engine().runKernel('Linear', { x, kernel }, { activation: 'tanh' })).toThrow('got tanh');
});

test.each([
  [[5], 7, 3],
  [[2, 3], 17, 33],
  [[0], 7, 3],
  [[3, 0], 7, 5],
  [[], 7, 5],
])('gradients of a product over rows %j, [%i, %i]', (leading, i, o) => {
  const size = tf.util.sizeFromShape(leading);
  const x = tf.tensor(someValues(size * i, 1, 2), [...leading, i]);
  const dy = tf.tensor(someValues(size * o, 1, 3), [...leading, o]);
  const kernel = tf.tensor2d(someValues(i * o, 1, 4), [i, o]);
  underEachTarget((target) =>
    tf.tidy(() => {
      const [rows, dyRows] = [tf.reshape(x, [size, i]), tf.reshape(dy, [size, o])];
      const byX = tf.engine().runKernel('Linear', { x: dy, kernel }, { transposeKernel: true }) as tf.Tensor;
      const byKernel = tf.engine().runKernel('LinearKernelGrad', { x, dy }) as tf.Tensor;
      expect([byX.shape, byKernel.shape]).toEqual([x.shape, kernel.shape]);
      const expected = [tf.matMul(dyRows, kernel, false, true), tf.matMul(rows, dyRows, true, false)];
      [byX, byKernel].forEach((got, at) => {
        const problem = difference(got.dataSync(), (expected[at] as tf.Tensor).dataSync(), ROUNDINGS);
        if (problem) throw new Error(`${target}${problem}`);
      });
    }),
  );
  tf.dispose([x, dy, kernel]);
});

test('LinearKernelGrad refuses leading axes that differ', () => {
  const grad = (x: number[], dy: number[]) =>
    tf.engine().runKernel('LinearKernelGrad', { x: tf.ones(x), dy: tf.ones(dy) });
  expect(() => grad([2, 3], [3, 4])).toThrow('got [2,3] and [3,4]');
  expect(() => grad([2, 3], [2, 1, 4])).toThrow('same leading axes');
});
