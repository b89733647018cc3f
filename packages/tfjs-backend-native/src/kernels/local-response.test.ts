import { test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { expectNativeAsOnCpu, someValues } from '../../testing/against-cpu.js';
import '../index.js';

type Shape = [number, number, number, number];

test.each([0.5, 0.75, 1, 0.6])('localResponseNormalization with beta %d, and its gradient', (beta) => {
  for (const [shape, radius] of [
    [[2, 3, 4, 16], 5],
    [[1, 2, 2, 7], 2],
    [[1, 5, 3, 4], 9],
    [[1, 1, 40, 100], 0],
  ] as [Shape, number][]) {
    const x = () => tf.tensor4d(someValues(tf.util.sizeFromShape(shape)), shape);
    const run = (input: tf.Tensor) =>
      tf.localResponseNormalization(input as tf.Tensor4D, radius, 1.5, 0.7, beta);
    expectNativeAsOnCpu(() => run(x()));
    const dy = () => tf.tensor(someValues(tf.util.sizeFromShape(shape), 1, 9), shape);
    expectNativeAsOnCpu(() => tf.grad(run)(x(), dy()));
  }
});
