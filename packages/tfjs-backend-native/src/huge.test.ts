import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { releaseMemory } from './index.js';

// Needs 10 GB of memory and a minute or two: TFJS_NATIVE_HUGE=1 in the environment.
const huge = process.env.TFJS_NATIVE_HUGE === '1' ? describe : describe.skip;
jest.setTimeout(600_000);

/** Rows × columns are 2³¹ + 65,536 elements: products and indices do not fit 32 bits. */
const ROWS = 65_536;
const COLUMNS = 32_769;

beforeAll(async () => {
  await tf.setBackend('native');
});

afterEach(() => {
  releaseMemory();
});

/** Elements of a matrix's last row, from its last columns. */
const corner = (x: tf.Tensor2D, count = 3) =>
  Array.from(tf.tidy(() => x.slice([ROWS - 1, COLUMNS - count], [1, count]).dataSync()));

huge('more than 2³¹ elements', () => {
  test('a product and what is computed from it (8.6 GB)', () => {
    tf.tidy(() => {
      const a = tf.range(0, ROWS).div(ROWS).reshape([ROWS, 1]) as tf.Tensor2D;
      const b = tf
        .range(0, COLUMNS)
        .div(COLUMNS - 1)
        .reshape([1, COLUMNS]) as tf.Tensor2D;
      const y = a.matMul(b) as tf.Tensor2D;
      expect(y.size).toBeGreaterThan(2 ** 31);
      const last = 1 - 1 / ROWS; // of a; a and b are exact in float32
      expect(corner(y)).toEqual([
        Math.fround((last * 32766) / 32768),
        Math.fround((last * 32767) / 32768),
        last,
      ]);
      const sums = y.sum(1).dataSync();
      expect(sums[ROWS - 1]).toBeCloseTo((last * COLUMNS) / 2, 1);
      expect(sums[ROWS / 2]).toBeCloseTo(COLUMNS / 4, 1);
      expect(y.max().dataSync()[0]).toBe(last);
      expect(y.gather(tf.tensor1d([1, ROWS - 1], 'int32')).dataSync()[2 * COLUMNS - 1]).toBe(last);
    });
  });

  test('a sum with broadcasting, and a comparison (8.6 and 2.1 GB)', () => {
    tf.tidy(() => {
      const rows = tf.range(0, ROWS).reshape([ROWS, 1]);
      const columns = tf.range(0, COLUMNS).reshape([1, COLUMNS]);
      const sum = rows.add(columns) as tf.Tensor2D;
      expect(corner(sum)).toEqual([98301, 98302, 98303]);
      sum.dispose();
      const less = rows.less(columns.add(COLUMNS - 1)) as tf.Tensor2D; // r < c + 32768
      expect(corner(less)).toEqual([0, 0, 1]);
    });
  });

  test('bool moved about (2.1 GB each)', () => {
    tf.tidy(() => {
      const x = tf.range(0, ROWS, 1, 'int32').reshape([ROWS, 1]);
      const y = tf.range(0, COLUMNS, 1, 'int32').reshape([1, COLUMNS]);
      const equal = x.equal(y) as tf.Tensor2D; // ones on the diagonal
      const halves = equal.reshape([2, ROWS / 2, COLUMNS]).transpose([1, 0, 2]); // row r beside row r + 32768
      expect(Array.from(halves.slice([0, 1, COLUMNS - 2], [1, 1, 2]).dataSync())).toEqual([0, 1]);
      halves.dispose();
      const both = tf.concat([equal.slice([ROWS - 2, 0], [2, COLUMNS]), equal], 0);
      expect(both.shape).toEqual([ROWS + 2, COLUMNS]);
      expect(Array.from(both.slice([COLUMNS + 1, COLUMNS - 2], [1, 2]).dataSync())).toEqual([0, 1]);
    });
  });

  test('of one axis: beyond what an int32 index reaches', () => {
    tf.tidy(() => {
      const size = 2 ** 31 + 64;
      const x = tf.fill([size], 1, 'bool');
      expect(x.shape).toEqual([size]);
      expect(Array.from(x.slice([size - 2], [2]).dataSync())).toEqual([1, 1]);
      expect(
        x
          .reshape([2, size / 2])
          .slice([1, 0], [1, 3])
          .dataSync(),
      ).toHaveLength(3);
    });
  });
});

describe('more than there can be is an error, never a crash', () => {
  test.each([
    [2 ** 33, 'float32'],
    [2 ** 40, 'float32'],
    [2 ** 52, 'float32'],
    [2 ** 45, 'bool'],
  ] as [number, 'float32' | 'bool'][])('%d elements of %s', (size, dtype) => {
    expect(() => tf.fill([size], 1, dtype)).toThrow(/Fill: no memory for/);
    expect(() =>
      tf.tidy(() =>
        tf
          .zeros([4])
          .cast(dtype)
          .tile([size / 4]),
      ),
    ).toThrow(/no memory|Tile/);
  });

  test('a product of 2⁴⁸ elements, more than there are addresses', () => {
    const n = 2 ** 24;
    const x = tf.fill([n], 1);
    expect(() => tf.tidy(() => x.reshape([n, 1]).matMul(x.reshape([1, n])))).toThrow(
      /BatchMatMul: no memory/,
    );
    expect(() => tf.tidy(() => tf.outerProduct(x as tf.Tensor1D, x as tf.Tensor1D))).toThrow(/no memory/);
    expect(() => tf.tidy(() => x.reshape([n, 1]).add(x.reshape([1, n])))).toThrow(/Add: no memory/);
    x.dispose();
  });
});
