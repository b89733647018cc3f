import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import '../index.js';

beforeAll(() => {
  tf.setBackend('native');
});

const int32 = (values: number[]) => tf.tensor1d(values, 'int32');
const toTensor = (
  shape: number[] | number,
  values: tf.Tensor,
  filling: tf.Tensor,
  partitions: tf.Tensor[],
  types: string[],
) => {
  const asked = typeof shape === 'number' ? tf.scalar(shape, 'int32') : int32(shape);
  return tf.raggedTensorToTensor(asked, values, filling, partitions, types);
};

describe('raggedTensorToTensor, as TensorFlow', () => {
  const rows = () => [int32([0, 2, 2, 5])];

  test('rows of 2, 0 and 3 numbers: filled, cut, and in a larger shape', () => {
    const run = (shape: number[] | number) =>
      toTensor(shape, int32([1, 2, 3, 4, 5]), tf.scalar(9, 'int32'), rows(), ['ROW_SPLITS']).arraySync();
    const whole = [
      [1, 2, 9],
      [9, 9, 9],
      [3, 4, 5],
    ];
    expect(run([-1, -1])).toEqual(whole);
    expect(run(-1)).toEqual(whole);
    expect(run([2, 1])).toEqual([[1], [9]]);
    expect(run([4, 2])).toEqual([
      [1, 2],
      [9, 9],
      [3, 4],
      [9, 9],
    ]);
  });

  test('row ids, two levels, inner axes, and a default value that is spread over them', () => {
    const values = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
    const run = (filling: tf.Tensor) =>
      toTensor(
        [-1, -1, -1, 2],
        values,
        filling,
        [tf.scalar(2, 'int32'), int32([0, 0]), int32([0, 1, 1])],
        ['FIRST_DIM_SIZE', 'VALUE_ROWIDS', 'VALUE_ROWIDS'],
      );
    const filled = (a: number, b: number) => [
      [
        [
          [1, 2],
          [a, b],
        ],
        [
          [3, 4],
          [5, 6],
        ],
      ],
      [
        [
          [a, b],
          [a, b],
        ],
        [
          [a, b],
          [a, b],
        ],
      ],
    ];
    expect(run(tf.tensor1d([7, 8])).arraySync()).toEqual(filled(7, 8));
    expect(run(tf.tensor1d([7])).arraySync()).toEqual(filled(7, 7));
    expect(run(tf.scalar(7)).arraySync()).toEqual(filled(7, 7));
  });

  test('no values', () => {
    const none = toTensor([-1, 2], tf.tensor1d([]), tf.scalar(3), [int32([0, 0])], ['ROW_SPLITS']);
    expect(none.arraySync()).toEqual([[3, 3]]);
  });

  test.each([
    [
      'a shape of another rank',
      [-1],
      [0, 2, 2, 5],
      'the rows and the shape [-1] are incompatible: expected 2 extents',
    ],
    ['splits that fall', [-1, -1], [0, 3, 2, 5], 'expected ROW_SPLITS that do not fall, got [0,3,2,5]'],
    ['splits from another number', [-1, -1], [1, 2, 2, 5], 'expected ROW_SPLITS from 0'],
    ['splits of more values', [-1, -1], [0, 2, 2, 6], 'expected values of 6 rows'],
  ])('%s is refused', (_, shape, splits, message) => {
    const values = int32([1, 2, 3, 4, 5]);
    const run = () => toTensor(shape, values, tf.scalar(9, 'int32'), [int32(splits)], ['ROW_SPLITS']);
    expect(run).toThrow(`RaggedTensorToTensor: ${message}`);
  });

  test('row ids outside are refused', () => {
    const run = () =>
      toTensor(
        -1,
        int32([1]),
        tf.scalar(9, 'int32'),
        [tf.scalar(2, 'int32'), int32([2])],
        ['FIRST_DIM_SIZE', 'VALUE_ROWIDS'],
      );
    expect(run).toThrow('RaggedTensorToTensor: expected VALUE_ROWIDS below 2, got 2 at place 0.');
  });
});
