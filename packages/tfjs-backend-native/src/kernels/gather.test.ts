import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { expectAsOnCpu, someValues } from '../../testing/against-cpu.js';
import '../index.js';

beforeAll(() => {
  tf.setBackend('native');
});

const ids = (size: number, most: number, shape: number[]) =>
  tf.tensor(
    Int32Array.from({ length: size }, (_, i) => (i * 7919) % most),
    shape,
    'int32',
  );

describe('scatterND', () => {
  test('rows, some several times, by one index', () => {
    expectAsOnCpu(() =>
      tf.scatterND(ids(50, 13, [50, 1]), tf.tensor2d(someValues(50 * 17), [50, 17]), [13, 17]),
    );
  });

  test('numbers by two indices, and slices by two of three', () => {
    expectAsOnCpu(() => tf.scatterND(ids(40, 5, [20, 2]), tf.tensor1d(someValues(20)), [5, 7]));
    expectAsOnCpu(() => tf.scatterND(ids(40, 5, [20, 2]), tf.tensor2d(someValues(60), [20, 3]), [5, 7, 3]));
  });

  test('int32, and no updates', () => {
    expectAsOnCpu(() => tf.scatterND(ids(4, 3, [4, 1]), tf.tensor1d([1, 2, 3, 4], 'int32'), [3]));
  });

  test('an index outside is an error', () => {
    const outside = () => tf.scatterND(tf.tensor2d([[1], [9]], [2, 1], 'int32'), tf.ones([2, 3]), [4, 3]);
    expect(outside).toThrow('row 1, [9], does not index into [4,3]: 9 is not in [0, 4) of axis 0');
  });
});

describe('gatherND', () => {
  test('numbers, rows and a whole tensor', () => {
    const x = () => tf.tensor3d(someValues(5 * 6 * 7), [5, 6, 7]);
    expectAsOnCpu(() => tf.gatherND(x(), ids(60, 5, [20, 3])));
    expectAsOnCpu(() => tf.gatherND(x(), ids(12, 5, [2, 3, 2])));
    expectAsOnCpu(() => tf.gatherND(x(), ids(4, 5, [4, 1])));
    expectAsOnCpu(() => tf.gatherND(tf.cast(x(), 'int32'), ids(4, 5, [4, 1])));
  });

  test('an index outside is an error', () => {
    expect(() => tf.gatherND(tf.ones([4, 3]), tf.tensor2d([[4, 0]], [1, 2], 'int32'))).toThrow(
      'row 0, [4,0], does not index into [4,3]: 4 is not in [0, 4) of axis 0',
    );
  });
});

test('a component outside its own axis is an error, though the position it gives is inside', () => {
  tf.tidy(() => {
    // Position 1·3 − 1 = 2 and 0·3 + 4 = 4 of 12 would be neighbours.
    for (const [index, axis] of [
      [[1, -1], 1],
      [[0, 4], 1],
      [[-1, 2], 0],
      [[4, 0], 0],
    ] as [number[], number][]) {
      const where = tf.tensor2d([[0, 0], index], [2, 2], 'int32');
      const bad = `[${index}], does not index into [4,3]: ${index[axis]} is not in`;
      for (const dtype of ['float32', 'int32', 'bool'] as const) {
        const x = tf.ones([4, 3], dtype);
        const updates = tf.ones([2], dtype);
        expect(() => tf.gatherND(x, where)).toThrow(bad);
        expect(() => tf.scatterND(where, updates, [4, 3])).toThrow(bad);
        expect(() => tf.tensorScatterUpdate(x, where, updates)).toThrow(bad);
        const none = tf.zeros([], dtype) as tf.Scalar;
        expect(() => tf.sparseToDense(where, updates as tf.Tensor1D, [4, 3], none)).toThrow(bad);
      }
    }
  });
});

test('tensorScatterUpdate and sparseToDense as on cpu', () => {
  expectAsOnCpu(() =>
    tf.tensorScatterUpdate(tf.tensor2d(someValues(12), [4, 3]), ids(2, 3, [2, 1]), tf.ones([2, 3])),
  );
  expectAsOnCpu(() => tf.sparseToDense(tf.tensor1d([3, 1], 'int32'), tf.tensor1d([5, 6]), [5], 2));
  expectAsOnCpu(() => tf.sparseToDense(tf.scalar(3, 'int32'), tf.scalar(5), [5], 2));
});

test('oneHot of int32 and float32, indices outside', () => {
  for (const dtype of ['int32', 'float32'] as const)
    expectAsOnCpu(() =>
      tf.oneHot(
        tf.tensor2d(
          [
            [0, 3],
            [-1, 5],
          ],
          [2, 2],
          'int32',
        ),
        4,
        2,
        -1,
        dtype,
      ),
    );
});
