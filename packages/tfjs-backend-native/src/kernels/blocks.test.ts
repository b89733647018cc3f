import { test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { DTYPES, EXACT, expectNativeAsOnCpu, someTensor } from '../../testing/against-cpu.js';
import '../index.js';

test.each(DTYPES)('spaceToBatchND of %s', (dtype) => {
  expectNativeAsOnCpu(
    () =>
      tf.spaceToBatchND(
        someTensor([2, 4, 6, 3], dtype),
        [2, 3],
        [
          [0, 0],
          [0, 0],
        ],
      ),
    EXACT,
  );
  expectNativeAsOnCpu(
    () =>
      tf.spaceToBatchND(
        someTensor([2, 5, 6, 3], dtype),
        [2, 2],
        [
          [1, 2],
          [0, 4],
        ],
      ),
    EXACT,
  );
  expectNativeAsOnCpu(() => tf.spaceToBatchND(someTensor([3, 7, 5], dtype), [4], [[0, 1]]), EXACT);
  expectNativeAsOnCpu(
    () =>
      tf.spaceToBatchND(
        someTensor([1, 2, 3, 4, 2], dtype),
        [2, 1, 2],
        [
          [0, 0],
          [0, 0],
          [0, 0],
        ],
      ),
    EXACT,
  );
});

test.each(DTYPES)('batchToSpaceND of %s', (dtype) => {
  expectNativeAsOnCpu(
    () =>
      tf.batchToSpaceND(
        someTensor([12, 2, 2, 3], dtype),
        [2, 3],
        [
          [0, 0],
          [0, 0],
        ],
      ),
    EXACT,
  );
  expectNativeAsOnCpu(
    () =>
      tf.batchToSpaceND(
        someTensor([8, 4, 5, 3], dtype),
        [2, 2],
        [
          [1, 2],
          [0, 4],
        ],
      ),
    EXACT,
  );
  expectNativeAsOnCpu(() => tf.batchToSpaceND(someTensor([12, 2, 5], dtype), [4], [[0, 1]]), EXACT);
});

test('depthToSpace', () => {
  expectNativeAsOnCpu(() => tf.depthToSpace(someTensor([2, 3, 4, 18], 'float32') as tf.Tensor4D, 3), EXACT);
  expectNativeAsOnCpu(() => tf.depthToSpace(someTensor([1, 5, 2, 4], 'float32') as tf.Tensor4D, 2), EXACT);
});
