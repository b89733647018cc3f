import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { onEachBackend } from '../../testing/backends.js';
import { gradientError, leakedTensors, sample } from '../../testing/gradient-check.js';
import { upsampleNearest2x } from './upsample.js';

onEachBackend(() => {
  test('[1,1,2,1] → [1,2,4,1]: each pixel four times', async () => {
    const y = upsampleNearest2x(tf.tensor4d([1, 2], [1, 1, 2, 1]));
    expect([y.shape, [...(await y.data())]]).toEqual([
      [1, 2, 4, 1],
      [1, 1, 2, 2, 1, 1, 2, 2],
    ]);
  });

  test('gradient against finite differences, no tensors left', () => {
    const x = sample([2, 3, 2, 5]) as tf.Tensor4D;
    expect(gradientError((x) => upsampleNearest2x(x as tf.Tensor4D), [x])).toBeLessThan(1e-3);
    expect(leakedTensors(() => upsampleNearest2x(x))).toBe(0);
  });
});
