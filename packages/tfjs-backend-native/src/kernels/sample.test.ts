import { describe, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { expectNativeAsOnCpu, someValues } from '../../testing/against-cpu.js';
import '../index.js';

const image = (shape: [number, number, number, number]) =>
  tf.tensor4d(someValues(tf.util.sizeFromShape(shape), 100), shape);
const exact = { absolute: 0, relative: 0 };

describe.each(['bilinear', 'nearest'] as const)('cropAndResize, %s', (method) => {
  test.each<[[number, number]]>([[[7, 5]], [[1, 1]], [[30, 40]]])('to %j', (size) => {
    // Whole, inside, turned over, partly and wholly outside; the last one is of no image.
    const boxes = [
      [0, 0, 1, 1],
      [0.2, 0.1, 0.7, 0.9],
      [0.9, 1, 0.1, 0],
      [-0.5, 0.3, 0.5, 1.4],
      [2, 2, 3, 3],
      [0, 0, 1, 1],
    ];
    const of = [0, 1, 1, 0, 0, 2];
    for (const channels of [1, 3, 16])
      expectNativeAsOnCpu(() => {
        const inputs = [image([2, 12, 9, channels]), tf.tensor2d(boxes), tf.tensor1d(of, 'int32')] as const;
        return tf.image.cropAndResize(...inputs, size, method, 0.25);
      }, exact);
  });
});

describe('rotateWithOffset', () => {
  test.each([0, 0.3, -2, Math.PI / 2])('by %d', (radians) => {
    for (const channels of [1, 3, 4]) {
      const turned = (fill: number | [number, number, number], centre: number | [number, number]) =>
        expectNativeAsOnCpu(
          () => tf.image.rotateWithOffset(image([2, 9, 14, channels]), radians, fill, centre),
          exact,
        );
      turned(0, 0.5);
      turned(7.5, [0.1, 0.9]);
      if (channels > 1) turned([1, 2, 3], 0.5);
    }
  });
});
