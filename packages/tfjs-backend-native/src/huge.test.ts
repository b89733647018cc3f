import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { releaseMemory } from './index.js';

// Needs 10 GB of memory and a minute or two: EASEL_HUGE=1 in the environment.
const huge = process.env.EASEL_HUGE === '1' ? describe : describe.skip;
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
      const a = tf.linspace(0, 1, ROWS).reshape([ROWS, 1]) as tf.Tensor2D;
      const b = tf.linspace(0, 1, COLUMNS).reshape([1, COLUMNS]) as tf.Tensor2D;
      const y = a.matMul(b);
      expect(y.size).toBeGreaterThan(2 ** 31);
      expect(corner(y)).toEqual([32766 / 32768, 32767 / 32768, 1]);
      const sums = y.sum(1).dataSync();
      expect(sums[ROWS - 1]).toBeCloseTo(COLUMNS / 2, 1);
      expect(sums[ROWS / 2]).toBeCloseTo(((ROWS / 2) * (COLUMNS / 2)) / (ROWS - 1), 1);
      expect(y.max().dataSync()[0]).toBe(1);
      expect(y.gather(tf.tensor1d([ROWS - 1, 1], 'int32')).dataSync()[COLUMNS - 1]).toBe(1);
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
      const turned = equal.transpose() as tf.Tensor2D;
      expect(Array.from(turned.slice([COLUMNS - 1, COLUMNS - 1], [1, 2]).dataSync())).toEqual([1, 0]);
      turned.dispose();
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

  test('a product of 2⁶⁰ elements', () => {
    const x = tf.fill([2 ** 28], 1);
    expect(() => tf.tidy(() => x.reshape([2 ** 28, 1]).matMul(x.reshape([1, 2 ** 28])))).toThrow(
      /BatchMatMul: no memory/,
    );
    expect(() => tf.tidy(() => tf.outerProduct(x as tf.Tensor1D, x as tf.Tensor1D))).toThrow(/no memory/);
    expect(() => tf.tidy(() => x.reshape([2 ** 28, 1]).add(x.reshape([1, 2 ** 28])))).toThrow(
      /Add: no memory/,
    );
    x.dispose();
  });
});
