import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { expectAsOnCpu, LENGTHS, someValues, underEachTarget } from '../../testing/against-cpu.js';
import { addon, setThreads } from '../addon.js';
import '../index.js';

beforeAll(() => {
  tf.setBackend('native');
});

/** Whole numbers, so that many are equal. */
const whole = (size: number, seed = 1) => someValues(size, 20, seed).map(Math.round);

describe('argMax and argMin', () => {
  test.each(LENGTHS.filter((n) => n > 0))('rows of %i, many of them equal', (width) => {
    expectAsOnCpu(() => tf.argMax(tf.tensor2d(whole(3 * width), [3, width]), 1));
    expectAsOnCpu(() => tf.argMin(tf.tensor2d(whole(3 * width), [3, width]), 1));
  });

  test('each axis of [5, 7, 9]', () => {
    for (const axis of [0, 1, 2, -1])
      expectAsOnCpu(() => tf.argMax(tf.tensor3d(whole(315), [5, 7, 9]), axis));
  });

  test('NaN, infinities and zeros at each place', () => {
    for (const special of [Number.NaN, Infinity, -Infinity, -0])
      for (const at of [0, 1, 15, 16, 40, 66]) {
        const x = someValues(67, 1).fill(special, at, at + 1);
        expectAsOnCpu(() => tf.argMax(tf.tensor1d(x)));
        expectAsOnCpu(() => tf.argMin(tf.tensor1d(x)));
      }
    expectAsOnCpu(() => tf.argMax(tf.fill([40], Number.NaN)));
    expectAsOnCpu(() => tf.argMax(tf.fill([40], -Infinity)));
  });

  test('other dtypes', () => {
    expectAsOnCpu(() => tf.argMax(tf.tensor1d([1, 5, 5, 2], 'int32')));
    expectAsOnCpu(() => tf.argMax(tf.tensor1d([false, true], 'bool')));
  });
});

describe('topk', () => {
  const top = (x: Float32Array, shape: number[], k: number) => () => {
    const { values, indices } = tf.topk(tf.tensor(x, shape), k);
    return [values, indices] as unknown as tf.Tensor;
  };

  test.each([
    [1, 1],
    [5, 2],
    [16, 16],
    [17, 3],
    [131, 130],
    [1000, 50],
    [16384, 50],
  ])('of rows of %i, the first %i, many equal', (width, k) => {
    expectAsOnCpu(top(whole(2 * width), [2, width], k));
    expectAsOnCpu(top(someValues(2 * width, 1, 2), [2, width], k));
  });

  test('rising and falling rows', () => {
    const rising = Float32Array.from({ length: 500 }, (_, i) => i);
    expectAsOnCpu(top(rising, [500], 7));
    expectAsOnCpu(
      top(
        rising.map((x) => -x),
        [500],
        7,
      ),
    );
  });

  test('infinities; NaN comes last', () => {
    expectAsOnCpu(top(Float32Array.of(1, Infinity, -Infinity, 2, -Infinity), [5], 5));
    underEachTarget(() => {
      const x = Float32Array.of(Number.NaN, 1, Number.NaN, 3, -Infinity, 2, Number.NaN);
      const values = new Float32Array(6);
      const indices = new Int32Array(6);
      addon().topK(values, indices, x, 7, 6);
      expect([...indices]).toEqual([3, 5, 1, 4, 0, 2]);
    });
  });

  test('the same for any number of threads', () => {
    const x = someValues(64 * 4099, 1);
    const run = () => {
      const values = new Float32Array(64 * 20);
      const indices = new Int32Array(64 * 20);
      addon().topK(values, indices, x, 4099, 20);
      return [...indices];
    };
    const both = run();
    const threads = setThreads(1);
    expect(run()).toEqual(both);
    setThreads(threads);
  });
});
