import { test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { expectAsOnCpu, expectNativeAsOnCpu, someValues } from '../../testing/against-cpu.js';
import '../index.js';

type Volume = [number, number, number, number, number];
type Steps = [number, number, number];

const volume = (shape: Volume) => tf.tensor5d(someValues(tf.util.sizeFromShape(shape), 5), shape);

test.each(['maxPool3d', 'avgPool3d'] as const)('%s', (name) => {
  const pool = name === 'maxPool3d' ? tf.maxPool3d : tf.avgPool3d;
  const cases: [Volume, Steps, Steps, 'same' | 'valid' | number][] = [
    [[1, 4, 4, 4, 3], [2, 2, 2], [2, 2, 2], 'same'],
    [[2, 5, 7, 6, 4], [3, 2, 3], [2, 1, 2], 'same'],
    [[2, 5, 7, 6, 1], [3, 3, 2], [1, 2, 1], 'valid'],
    [[1, 6, 5, 5, 2], [3, 3, 3], [2, 2, 2], 1],
    [[1, 3, 3, 3, 5], [3, 3, 3], [1, 1, 1], 'same'],
  ];
  for (const [shape, size, steps, pad] of cases)
    expectNativeAsOnCpu(() => pool(volume(shape), size, steps, pad));
});

test.each(['maxPool3d', 'avgPool3d'] as const)('%s: windows in the padding alone', (name) => {
  const pool = name === 'maxPool3d' ? tf.maxPool3d : tf.avgPool3d;
  expectAsOnCpu(() => pool(volume([1, 2, 3, 1, 2]), 2, 1, 2));
});
