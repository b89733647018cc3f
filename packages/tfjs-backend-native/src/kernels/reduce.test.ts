import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import {
  difference,
  expectAsOnCpu,
  expectNativeAsOnCpu,
  LENGTHS,
  someValues,
  underEachTarget,
} from '../../testing/against-cpu.js';
import { addon, setThreads } from '../addon.js';
import type { NativeBackend } from '../backend.js';
import '../index.js';

beforeAll(() => {
  tf.setBackend('native');
  (tf.backend() as NativeBackend).pool.poison = true;
});

const ops: [string, (x: tf.Tensor, axes?: number[], keep?: boolean) => tf.Tensor][] = [
  ['sum', tf.sum],
  ['mean', tf.mean],
  ['max', tf.max],
  ['min', tf.min],
];

describe('reductions as the cpu backend', () => {
  const cases: [number[], number[]][] = [
    [[7], [0]],
    [[3, 5], [0]],
    [[3, 5], [1]],
    [[37, 17], [0]],
    [[2, 3, 5, 7], [0]],
    [[2, 3, 5, 7], [1]],
    [
      [2, 3, 5, 7],
      [1, 2],
    ],
    [
      [2, 3, 5, 7],
      [0, 2],
    ],
    [
      [2, 3, 5, 7],
      [1, 3],
    ],
    [
      [2, 3, 5, 7],
      [0, 1, 2],
    ],
    [
      [2, 3, 5, 7],
      [0, 1, 2, 3],
    ],
    [[2, 1, 5, 1], [1]],
    [
      [2, 1, 5, 1],
      [1, 2],
    ],
    [
      [2, 3, 2, 3, 2, 3],
      [0, 2, 4],
    ],
    [
      [2, 3, 2, 3, 2, 3],
      [1, 3, 5],
    ],
  ];
  test.each(ops)('%s over any axes', (_, f) => {
    for (const [shape, axes] of cases) {
      for (const keep of [false, true]) {
        const make = () => f(tf.tensor(someValues(tf.util.sizeFromShape(shape)), shape), axes, keep);
        expectAsOnCpu(make, { absolute: 2e-6, relative: 2e-6 });
      }
    }
  });
  test.each(ops)('%s of rows and columns around the vector width', (_, f) => {
    for (const n of LENGTHS.slice(1)) {
      expectAsOnCpu(() => f(tf.tensor2d(someValues(3 * n), [3, n]), [1]), { absolute: 2e-5, relative: 2e-6 });
      expectAsOnCpu(() => f(tf.tensor2d(someValues(11 * n), [11, n]), [0]), {
        absolute: 2e-6,
        relative: 2e-6,
      });
    }
  });
  test.each(ops)('%s passes NaN and infinities on', (_, f) => {
    for (const at of [0, 5, 40, 68]) {
      for (const special of [Number.NaN, Infinity, -Infinity]) {
        const values = someValues(2 * 69);
        values[at] = special;
        expectAsOnCpu(() => f(tf.tensor2d(values, [2, 69]), [1]), { absolute: 1e-5, relative: 1e-5 });
        expectAsOnCpu(() => f(tf.tensor2d(values, [69, 2]), [0]), { absolute: 1e-5, relative: 1e-5 });
      }
    }
  });
  test('of no elements is what TensorFlow gives', () => {
    const x = tf.zeros([2, 0, 3]);
    const first = (y: tf.Tensor) => [y.shape, y.dtype, y.dataSync()[0]];
    tf.setBackend('native');
    expect(first(tf.sum(x, 1))).toEqual([[2, 3], 'float32', 0]);
    expect(first(tf.mean(x, 1, true))).toEqual([[2, 1, 3], 'float32', Number.NaN]);
    expect(first(tf.max(x, 1))).toEqual([[2, 3], 'float32', Number.NEGATIVE_INFINITY]);
    expect(first(tf.min(x))).toEqual([[], 'float32', Number.POSITIVE_INFINITY]);
    expect(first(tf.prod(x))).toEqual([[], 'float32', 1]);
    expect(first(tf.max(x.cast('int32'), 1))).toEqual([[2, 3], 'int32', -(2 ** 31)]);
    expect(first(tf.all(x.cast('bool'), 1))).toEqual([[2, 3], 'bool', 1]);
    expect(first(tf.any(x.cast('bool'), 1))).toEqual([[2, 3], 'bool', 0]);
  });
  test('the mean of equal numbers is that number, along any axes, whatever their count', () => {
    tf.setBackend('native');
    underEachTarget((target) => {
      for (const count of [3, 5, 7, 10, 99, 655, 4097, 70_001])
        for (const value of [0.1, -1 / 3, 1e-7, 12345.678]) {
          const found = tf.tidy(() => {
            const rows = tf.fill([2, count], value);
            const columns = tf.fill([count, 3], value);
            const both = tf.fill([3, 2, Math.ceil(count / 3)], value);
            return [tf.mean(rows, 1), tf.mean(columns, 0), tf.mean(both, [0, 2])].map((y) => [
              ...y.dataSync(),
            ]);
          });
          const exact = found.map((values) => values.map(() => Math.fround(value)));
          expect([target, count, found]).toEqual([target, count, exact]);
        }
    });
  });
  test('int32 and bool go to the cpu kernel', () => {
    expectAsOnCpu(() => tf.sum(tf.tensor2d([1, 2, 3, 4], [2, 2], 'int32'), 0));
    expectAsOnCpu(() => tf.sum(tf.tensor1d([1, 0, 1], 'bool')));
    expectAsOnCpu(() => tf.mean(tf.tensor1d([1, 2, 4], 'int32')));
  });
});

describe('large reductions', () => {
  const [rows, columns] = [1201, 257];
  const values = someValues(rows * columns, 1, 5);
  const bySum = (count: number, pick: (i: number) => number) =>
    Float64Array.from({ length: count }, (_, at) => {
      let sum = 0;
      for (let i = 0; i < values.length; i++) if (pick(i) === at) sum += values[i] as number;
      return sum;
    });

  test('sums agree with double precision', () => {
    const x = tf.tensor2d(values, [rows, columns]);
    underEachTarget(() => {
      const all = x.sum();
      const byColumn = x.sum(0);
      // 1e-8 of the sum of magnitudes, 154,000.
      const tolerance = { absolute: 1.5e-3, relative: 1e-6 };
      expect(
        difference(
          all.dataSync(),
          bySum(1, () => 0),
          tolerance,
        ),
      ).toBeUndefined();
      expect(
        difference(
          byColumn.dataSync(),
          bySum(columns, (i) => i % columns),
          tolerance,
        ),
      ).toBeUndefined();
      tf.dispose([all, byColumn]);
    });
    x.dispose();
  });

  test('bits do not depend on the number of threads', () => {
    const x = tf.tensor2d(values, [rows, columns]);
    const run = () => tf.tidy(() => [x.sum(), x.sum(0), x.sum(1), x.max(0)].map((y) => [...y.dataSync()]));
    const before = setThreads(1);
    const single = run();
    setThreads(3);
    expect(run()).toEqual(single);
    setThreads(before);
    x.dispose();
  });
});

test('the addon refuses lengths that do not fit', () => {
  const x = new Float32Array(12);
  expect(() => addon().reduce(0, new Float32Array(3), x, 5, 1, 1)).toThrow(/reduce: /);
  expect(() => addon().reduce(7, new Float32Array(3), x, 4, 1, 1)).toThrow(/reduce: /);
});

describe("reductions in the elements' own type", () => {
  const exact = { absolute: 0, relative: 0 };
  const shapes: [number[], number[]][] = [
    [[7], [0]],
    [[300, 500], [0]],
    [[300, 500], [1]],
    [
      [3, 5, 7, 2],
      [1, 3],
    ],
    [
      [3, 5, 7, 2],
      [0, 2],
    ],
    [[2, 1, 5], [1]],
    [[40000], [0]],
  ];
  test.each(['sum', 'prod', 'max', 'min'] as const)('%s of integers', (name) => {
    for (const [shape, axes] of shapes)
      for (const keep of [false, true]) {
        const values = someValues(tf.util.sizeFromShape(shape), 1000).map(Math.trunc);
        const asOnCpu = name === 'prod' && axes.length > 1 ? expectAsOnCpu : expectNativeAsOnCpu;
        asOnCpu(() => tf.tensor(values, shape, 'int32')[name](axes, keep), exact);
      }
    const large = [2147483647, 2147483647, -2147483648, 5];
    expectNativeAsOnCpu(() => tf.tensor1d(large, 'int32')[name](), exact);
  });
  test('products of floats', () => {
    for (const [shape, axes] of shapes)
      expectAsOnCpu(() => tf.tensor(someValues(tf.util.sizeFromShape(shape), 1.7), shape).prod(axes));
  });
  test.each(['any', 'all', 'sum', 'prod'] as const)('%s of bools', (name) => {
    for (const [shape, axes] of shapes)
      for (const threshold of [-0.9, 0.9]) {
        const values = someValues(tf.util.sizeFromShape(shape), 1).map((x) => Number(x > threshold));
        const asOnCpu = name === 'prod' && axes.length > 1 ? expectAsOnCpu : expectNativeAsOnCpu;
        asOnCpu(() => tf.tensor(values, shape, 'bool')[name](axes), exact);
      }
  });
});
