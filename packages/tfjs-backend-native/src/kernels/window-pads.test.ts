import { test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { expectNativeAsOnCpu, someValues } from '../../testing/against-cpu.js';
import '../index.js';

type Picture = [number, number, number, number];
type Filter = [number, number, number];

test('dilation2d: strides, paddings, pixels apart', () => {
  const exact = { absolute: 0, relative: 0 };
  for (const [shape, filter, strides, pad, apart] of [
    [[2, 7, 9, 5], [3, 3, 5], 1, 'same', 1],
    [[1, 8, 6, 16], [2, 3, 16], 2, 'same', 1],
    [[2, 9, 9, 1], [3, 2, 1], [2, 1], 'valid', 2],
    [[1, 4, 4, 3], [5, 5, 3], 1, 'same', 1],
  ] as [Picture, Filter, number | [number, number], 'same' | 'valid', number][])
    expectNativeAsOnCpu(() => {
      const x = tf.tensor4d(someValues(tf.util.sizeFromShape(shape), 9), shape);
      const by = tf.tensor3d(someValues(tf.util.sizeFromShape(filter), 3, 2), filter);
      return tf.dilation2d(x, by, strides, pad, apart);
    }, exact);
});
