import { test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { expectNativeAsOnCpu, someValues } from '../../testing/against-cpu.js';
import '../index.js';

const exact = { absolute: 0, relative: 0 };
const DTYPES = ['float32', 'int32', 'bool'] as const;

function tensor(shape: number[], dtype: (typeof DTYPES)[number]): tf.Tensor {
  const values = someValues(tf.util.sizeFromShape(shape), 1000);
  const whole =
    dtype === 'float32' ? values : values.map((x) => (dtype === 'int32' ? Math.trunc(x) : Number(x > 0)));
  return tf.tensor(whole, shape, dtype);
}

test.each(DTYPES)('reverse of %s', (dtype) => {
  expectNativeAsOnCpu(() => tensor([3, 5, 7], dtype).reverse([0, 2]), exact);
  expectNativeAsOnCpu(() => tensor([3, 5, 7], dtype).reverse(1), exact);
});

test('flipLeftRight', () => {
  for (const shape of [
    [2, 5, 7, 3],
    [1, 1, 1, 1],
    [3, 4, 8, 1],
  ])
    expectNativeAsOnCpu(() => tf.image.flipLeftRight(tensor(shape, 'float32') as tf.Tensor4D), exact);
});

test.each(['reflect', 'symmetric'] as const)('mirrorPad, %s', (mode) => {
  const edge = mode === 'reflect' ? 1 : 0;
  for (const dtype of DTYPES) {
    // As far as it may: one less than the extent, or the extent.
    expectNativeAsOnCpu(() => tf.mirrorPad(tensor([4], dtype), [[4 - edge, 4 - edge]], mode), exact);
    expectNativeAsOnCpu(
      () =>
        tf.mirrorPad(
          tensor([3, 5], dtype),
          [
            [0, 2],
            [3, 0],
          ],
          mode,
        ),
      exact,
    );
    expectNativeAsOnCpu(
      () =>
        tf.mirrorPad(
          tensor([2, 9, 8, 3], dtype),
          [
            [0, 0],
            [1, 2],
            [7, 3],
            [0, 0],
          ],
          mode,
        ),
      exact,
    );
    expectNativeAsOnCpu(
      () =>
        tf.mirrorPad(
          tensor([2, 3, 4, 2], dtype),
          [
            [1, 1],
            [2, 1],
            [3, 2],
            [1, 1],
          ],
          mode,
        ),
      exact,
    );
  }
});
