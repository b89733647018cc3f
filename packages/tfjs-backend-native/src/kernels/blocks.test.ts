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

test.each(DTYPES)('spaceToBatchND of %s', (dtype) => {
  expectNativeAsOnCpu(
    () =>
      tf.spaceToBatchND(
        tensor([2, 4, 6, 3], dtype),
        [2, 3],
        [
          [0, 0],
          [0, 0],
        ],
      ),
    exact,
  );
  expectNativeAsOnCpu(
    () =>
      tf.spaceToBatchND(
        tensor([2, 5, 6, 3], dtype),
        [2, 2],
        [
          [1, 2],
          [0, 4],
        ],
      ),
    exact,
  );
  expectNativeAsOnCpu(() => tf.spaceToBatchND(tensor([3, 7, 5], dtype), [4], [[0, 1]]), exact);
  expectNativeAsOnCpu(
    () =>
      tf.spaceToBatchND(
        tensor([1, 2, 3, 4, 2], dtype),
        [2, 1, 2],
        [
          [0, 0],
          [0, 0],
          [0, 0],
        ],
      ),
    exact,
  );
});

test.each(DTYPES)('batchToSpaceND of %s', (dtype) => {
  expectNativeAsOnCpu(
    () =>
      tf.batchToSpaceND(
        tensor([12, 2, 2, 3], dtype),
        [2, 3],
        [
          [0, 0],
          [0, 0],
        ],
      ),
    exact,
  );
  expectNativeAsOnCpu(
    () =>
      tf.batchToSpaceND(
        tensor([8, 4, 5, 3], dtype),
        [2, 2],
        [
          [1, 2],
          [0, 4],
        ],
      ),
    exact,
  );
  expectNativeAsOnCpu(() => tf.batchToSpaceND(tensor([12, 2, 5], dtype), [4], [[0, 1]]), exact);
});

test('depthToSpace', () => {
  expectNativeAsOnCpu(() => tf.depthToSpace(tensor([2, 3, 4, 18], 'float32') as tf.Tensor4D, 3), exact);
  expectNativeAsOnCpu(() => tf.depthToSpace(tensor([1, 5, 2, 4], 'float32') as tf.Tensor4D, 2), exact);
});
