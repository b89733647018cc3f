import { describe, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { expectNativeAsOnCpu, someValues } from '../../testing/against-cpu.js';
import '../index.js';

const exact = { absolute: 0, relative: 0 };
const SHAPES: [number[], number][] = [
  [[1000], 0],
  [[3, 700], 1],
  [[3, 700], 0],
  [[4, 31, 5], 1],
  [[2, 9, 1], 1],
  [[40, 600], 1],
  [[1, 1], 1],
  [[100, 300], 0],
];

describe.each(['cumsum', 'cumprod'] as const)('%s', (name) => {
  for (const exclusive of [false, true])
    for (const reverse of [false, true])
      test(`${exclusive ? 'without' : 'with'} the element itself, ${reverse ? 'backwards' : 'forwards'}`, () => {
        for (const [shape, axis] of SHAPES) {
          const values = someValues(tf.util.sizeFromShape(shape), 1.5);
          const run = (x: tf.Tensor) => x[name](axis, exclusive, reverse);
          expectNativeAsOnCpu(() => run(tf.tensor(values, shape)), exact);
          const whole = values.map((x) => Math.trunc(2 * x));
          expectNativeAsOnCpu(() => run(tf.tensor(whole, shape, 'int32')), exact);
        }
      });
});

test('integers wrap around', () => {
  const values = [2147483647, 1, 5, -2147483648, -7];
  expectNativeAsOnCpu(() => tf.cumsum(tf.tensor1d(values, 'int32')), exact);
});
