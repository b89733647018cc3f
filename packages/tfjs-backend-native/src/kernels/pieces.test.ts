import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { expectAsOnCpu, someValues } from '../../testing/against-cpu.js';
import type { NativeBackend } from '../backend.js';
import { kernelCounts, resetKernelCounts } from '../index.js';

beforeAll(async () => {
  await tf.setBackend('native');
  (tf.backend() as NativeBackend).pool.poison = true;
});

const tensor = (shape: number[], dtype: 'float32' | 'int32' | 'bool' = 'float32', seed = 1) => {
  const x = tf.tensor(someValues(shape.reduce((a, b) => a * b, 1), 9, seed), shape); // biome-ignore format: one line
  return dtype === 'bool' ? x.greater(0) : x.cast(dtype);
};

describe.each(['float32', 'int32', 'bool'] as const)('%s as on cpu', (dtype) => {
  test.each([0, 1, 2, -1])('stack of [3,5,17] along %i', (axis) => {
    expectAsOnCpu(() =>
      tf.stack(
        [1, 2, 4].map((seed) => tensor([3, 5, 17], dtype, seed)),
        axis,
      ),
    );
  });
  test.each([0, 1, 2, -2])('unstack of [3,5,17] along %i', (axis) => {
    expectAsOnCpu(() => tf.unstack(tensor([3, 5, 17], dtype), axis));
  });
  test.each([
    [3, 0],
    [[2, 0, 3], 1],
    [[1, -1, 9], 2],
  ] as [number | number[], number][])('split of [3,5,17] into %j along %i', (sizes, axis) => {
    expectAsOnCpu(() => tf.split(tensor([3, 5, 17], dtype), sizes, axis));
  });
});

test('of scalars, of one tensor, of none', () => {
  expectAsOnCpu(() => tf.stack([tf.scalar(3), tf.scalar(4)]));
  expectAsOnCpu(() => tf.stack([tensor([2, 3])], 1));
  expectAsOnCpu(() => tf.stack([tf.zeros([0, 3]), tf.zeros([0, 3])], 1));
  expectAsOnCpu(() => tf.unstack(tf.zeros([2, 0, 3]), 0));
});

test('a piece outlives what it was cut from, and nothing falls through', () => {
  resetKernelCounts();
  const x = tf.range(0, 12).reshape([2, 2, 3]);
  const [first, second] = tf.unstack(x) as [tf.Tensor, tf.Tensor];
  x.dispose();
  tf.ones([2, 2, 3]).dispose();
  expect([...second.dataSync()]).toEqual([6, 7, 8, 9, 10, 11]);
  const both = tf.stack([second, first], 2);
  expect([...both.dataSync()]).toEqual([6, 0, 7, 1, 8, 2, 9, 3, 10, 4, 11, 5]);
  const ours = kernelCounts().filter(({ kernel }) => kernel === 'Pack' || kernel === 'Unpack');
  expect(ours.map(({ native, cpu }) => [native, cpu])).toEqual([
    [1, 0],
    [1, 0],
  ]);
  tf.dispose([first, second, both]);
});

test('stack of shapes that differ is tfjs’s error', () => {
  expect(() => tf.tidy(() => tf.stack([tf.ones([2]), tf.ones([3])]))).toThrow(/matching shapes/);
});

test('split into sizes of which one is negative is refused', () => {
  expect(() => tf.split(tf.zeros([2, 3]), [5, -2], 1)).toThrow(
    'SplitV: expected sizes of 0 or more, got [5,-2] for axis 1 of [2,3].',
  );
});
