import { test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { DTYPES, EXACT, expectNativeAsOnCpu, someTensor } from '../../testing/against-cpu.js';
import '../index.js';

test.each(DTYPES)('reverse of %s', (dtype) => {
  expectNativeAsOnCpu(() => someTensor([3, 5, 7], dtype).reverse([0, 2]), EXACT);
  expectNativeAsOnCpu(() => someTensor([3, 5, 7], dtype).reverse(1), EXACT);
});

test('flipLeftRight', () => {
  for (const shape of [
    [2, 5, 7, 3],
    [1, 1, 1, 1],
    [3, 4, 8, 1],
  ])
    expectNativeAsOnCpu(() => tf.image.flipLeftRight(someTensor(shape, 'float32') as tf.Tensor4D), EXACT);
});

test.each(['reflect', 'symmetric'] as const)('mirrorPad, %s', (mode) => {
  const edge = mode === 'reflect' ? 1 : 0;
  for (const dtype of DTYPES) {
    // As far as it may: one less than the extent, or the extent.
    expectNativeAsOnCpu(() => tf.mirrorPad(someTensor([4], dtype), [[4 - edge, 4 - edge]], mode), EXACT);
    expectNativeAsOnCpu(
      () =>
        tf.mirrorPad(
          someTensor([3, 5], dtype),
          [
            [0, 2],
            [3, 0],
          ],
          mode,
        ),
      EXACT,
    );
    expectNativeAsOnCpu(
      () =>
        tf.mirrorPad(
          someTensor([2, 9, 8, 3], dtype),
          [
            [0, 0],
            [1, 2],
            [7, 3],
            [0, 0],
          ],
          mode,
        ),
      EXACT,
    );
    expectNativeAsOnCpu(
      () =>
        tf.mirrorPad(
          someTensor([2, 3, 4, 2], dtype),
          [
            [1, 1],
            [2, 1],
            [3, 2],
            [1, 1],
          ],
          mode,
        ),
      EXACT,
    );
  }
});
