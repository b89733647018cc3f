import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { describeGpu, gpuBackend } from '../../testing/gpu.js';

// Kernels that take the place of tfjs's own, beside the cpu backend.

const numbers = (shape: number[], seed = 1) => {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  return Float32Array.from({ length: shape.reduce((product, extent) => product * extent, 1) }, next);
};

/** The values of f's results on a backend, for inputs of these shapes. */
async function on(backend: string, shapes: readonly number[][], f: (...x: tf.Tensor[]) => tf.Tensor[]) {
  await tf.setBackend(backend);
  const inputs = shapes.map((shape, i) => tf.tensor(numbers(shape, i + 1), shape));
  const outputs = tf.tidy(() => f(...inputs));
  const values = await Promise.all(outputs.map((output) => output.data()));
  const found = outputs.map(({ shape, dtype }, i) => ({ shape, dtype, values: values[i] as Float32Array }));
  tf.dispose([inputs, outputs]);
  return found;
}

/** Compares f on gpu with f on cpu, to a share of the largest number. */
async function same(shapes: readonly number[][], f: (...x: tf.Tensor[]) => tf.Tensor[], tolerance = 2e-6) {
  const wanted = await on('cpu', shapes, f);
  const got = await on('gpu', shapes, f);
  expect(got.map(({ shape, dtype }) => ({ shape, dtype }))).toEqual(
    wanted.map(({ shape, dtype }) => ({ shape, dtype })),
  );
  for (const [i, { values }] of wanted.entries()) {
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    values.forEach((value, at) => {
      const difference = Math.abs(value - ((got[i] as (typeof got)[0]).values[at] as number));
      if (!(difference <= tolerance * largest))
        throw new Error(`output ${i} [${at}]: ${got[i]?.values[at]}, expected ${value}`);
    });
  }
}

/** f's value and its gradients for all inputs, weighted so that all of dy differs. */
const withGradients =
  (f: (...x: tf.Tensor[]) => tf.Tensor) =>
  (...inputs: tf.Tensor[]) => {
    const y = f(...inputs);
    const dy = tf.tensor(numbers(y.shape, 99), y.shape);
    return [y, ...tf.grads(f)(inputs, dy)];
  };

describeGpu('tfjs kernels of our own', () => {
  test.each([
    [[5, 7, 11], [0], true],
    [[5, 7, 11], [1], false],
    [[5, 7, 11], [2], false],
    [[5, 7, 11], [0, 1], false],
    [[5, 7, 11], [1, 2], true],
    [[5, 7, 11], [0, 2], false], // left to tfjs
    [[5, 1, 11], [0, 1, 2], false],
    [[300, 33], [0], false], // several blocks of rows
    [[2, 16384], [1], false],
  ])('sum and mean of %j over %j, and their gradients', async (shape, axes, keepDims) => {
    await same(
      [shape],
      withGradients((x) => tf.sum(x as tf.Tensor, axes, keepDims)),
      1e-5,
    );
    await same(
      [shape],
      withGradients((x) => tf.mean(x as tf.Tensor, axes, keepDims)),
      1e-5,
    );
  });

  test('softmax and logSoftmax, with gradients, also of large numbers', async () => {
    for (const shape of [[3, 1], [2, 5, 130], [7]]) {
      await same(
        [shape],
        withGradients((x) => tf.softmax(tf.mul(x as tf.Tensor, 300))),
        1e-5,
      );
      await same(
        [shape],
        withGradients((x) => tf.logSoftmax(tf.mul(x as tf.Tensor, 30))),
        1e-5,
      );
    }
  });

  test('products of batches, transposed and spread, with gradients', async () => {
    for (const [a, b, left, right] of [
      [[5, 7], [7, 3], false, false],
      [[2, 3, 13, 20], [2, 3, 17, 20], false, true],
      [[3, 40, 33], [3, 40, 35], true, false],
    ] as const)
      await same(
        [[...a], [...b]],
        withGradients((x, y) => tf.matMul(x as tf.Tensor, y as tf.Tensor, left, right)),
        1e-5,
      );
    // tfjs has no gradient for a product that is spread.
    const spread = (...[x, y]: tf.Tensor[]) => [tf.matMul(x as tf.Tensor, y as tf.Tensor)];
    await same(
      [
        [3, 9, 4],
        [1, 4, 6],
      ],
      spread,
      1e-5,
    );
  });

  test.each([
    ['same', 1],
    ['valid', 2],
    ['same', 2],
  ] as const)('convolution %s with stride %d, with both gradients', async (pad, stride) => {
    await same(
      [
        [2, 8, 7, 3],
        [3, 3, 3, 5],
      ],
      withGradients((x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, pad)),
      1e-5,
    );
  });

  test('concat, stack and addN of more tensors than a shader binds', async () => {
    const shapes = Array.from({ length: 37 }, (_, i) => [3, 1 + (i % 4), 2]);
    await same(shapes, (...x) => [tf.concat(x, 1)], 0);
    const alike = shapes.map(() => [3, 5]);
    await same(alike, (...x) => [tf.stack(x, 1), tf.stack(x, 0), tf.concat(x, 0)], 0);
    await same(alike, (...x) => [tf.addN(x)]);
    await same(
      [[4]],
      (x) => [tf.concat([tf.cast(x as tf.Tensor, 'bool'), tf.tensor1d([true, false], 'bool')])],
      0,
    );
  });
});

describeGpu('gradients of a norm of many rows', () => {
  test('are added up as those of few rows', async () => {
    const [rows, width] = [200, 9];
    const [x, dy] = [numbers([rows, width], 3), numbers([rows, width], 4)];
    const [mean, rstd] = [numbers([rows], 5), numbers([rows], 6)];
    const inputs = {
      x: tf.tensor2d(x, [rows, width]),
      dy: tf.tensor2d(dy, [rows, width]),
      mean: tf.tensor1d(mean),
      rstd: tf.tensor1d(rstd),
      scale: tf.ones([width]),
    };
    const made = tf.engine().runKernel('LayerNormGrad', inputs, { hasBias: true }) as unknown as tf.Tensor[];
    const [, dscale, dbias] = await Promise.all(made.map((tensor) => tensor.data()));
    for (let column = 0; column < width; column++) {
      let [ofScale, ofBias] = [0, 0];
      for (let row = 0; row < rows; row++) {
        const [d, at] = [dy[row * width + column] as number, row * width + column];
        ofBias += d;
        ofScale += d * ((x[at] as number) - (mean[row] as number)) * (rstd[row] as number);
      }
      expect(dscale?.[column]).toBeCloseTo(ofScale, 4);
      expect(dbias?.[column]).toBeCloseTo(ofBias, 4);
    }
    tf.dispose([inputs, made]);
  });
});

describeGpu('writes in place', () => {
  const settings = { learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0, step: 1 };
  const update = (param: tf.Variable) => {
    const [m, v] = [tf.variable(tf.zeros([3])), tf.variable(tf.zeros([3]))];
    const grad = tf.tensor1d([1, -1, 1]);
    tf.engine().runKernel('AdamWUpdate', { param, grad, m, v }, settings);
    tf.dispose([m, v, grad]);
  };

  test("a clone of a variable keeps its values, and the variable's id its new ones", async () => {
    const param = tf.variable(tf.tensor1d([1, 2, 3]));
    await param.data();
    const before = tf.clone(param);
    update(param);
    expect([...(await before.data())]).toEqual([1, 2, 3]);
    const after = [...(await param.data())];
    [0.9, 2.1, 2.9].forEach((value, i) => {
      expect(after[i]).toBeCloseTo(value, 5);
    });
    tf.dispose([param, before]);
  });

  test('a plain tensor that shares its data is refused', () => {
    const x = tf.tensor1d([1, 2, 3]);
    const y = tf.clone(x);
    expect(() => update(x as tf.Variable)).toThrow('shares its data with another tensor');
    tf.dispose([x, y]);
  });
});

describe('determinism', () => {
  describeGpu('on a GPU', () => {
    test('rows of equal ids add up to the same bits in every run', async () => {
      const [rows, ids] = [
        tf.tensor2d(numbers([200, 9]), [200, 9]),
        tf.tensor1d(
          Int32Array.from({ length: 200 }, (_, i) => (i * i) % 3),
          'int32',
        ),
      ];
      const run = async () => {
        const y = tf.engine().runKernel('ScatterAdd', { rows, ids }, { entries: 4 }) as tf.Tensor;
        const values = [...(await y.data())];
        y.dispose();
        return values;
      };
      const first = await run();
      for (let i = 0; i < 4; i++) expect(await run()).toEqual(first);
      expect(first.slice(27)).toEqual(Array(9).fill(0)); // no square is 3 modulo 3, so no row has that id
      expect(gpuBackend().failure).toBeUndefined();
      tf.dispose([rows, ids]);
    });
  });
});
