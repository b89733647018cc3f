import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import '../index.js';
import { addon, CPU_TARGETS, setTarget, setThreads } from '../addon.js';
import { productShape } from './matrix-product.js';

const { targets, target: originalTarget, threads: originalThreads } = addon().status();

// Looking up a global costs 100 ns in jest's sandbox.
const { abs, imul } = Math;

/** Deterministic values in [-1, 1), from an unaligned offset. */
function values(count: number, seed: number): Float32Array {
  const array = new Float32Array(count + 1).subarray(1);
  let state = seed * 2654435761 + 12345;
  for (let i = 0; i < count; i++) {
    state = (imul(state, 1664525) + 1013904223) >>> 0;
    array[i] = state / 2 ** 31 - 1;
  }
  return array;
}

/** The definition in float64: products and, for the error bound, sums of absolute values. */
function naive(a: Float32Array, b: Float32Array, m: number, n: number, k: number, ta: boolean, tb: boolean) {
  const sums = new Float64Array(m * n);
  const magnitudes = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      const x = a[ta ? p * m + i : i * k + p] as number;
      for (let j = 0; j < n; j++) {
        const term = x * (b[tb ? j * k + p : p * n + j] as number);
        const at = i * n + j;
        sums[at] = (sums[at] as number) + term;
        magnitudes[at] = (magnitudes[at] as number) + abs(term);
      }
    }
  }
  return { sums, magnitudes };
}

const GUARD = 12345.5;

/** Runs one product between two guards, from unaligned arrays. */
function run(m: number, n: number, k: number, ta: boolean, tb: boolean, a: Float32Array, b: Float32Array) {
  const guarded = new Float32Array(m * n + 33).fill(GUARD);
  const c = guarded.subarray(17, 17 + m * n);
  addon().gemm(c, a, b, Int32Array.of(m, n, k, ta ? 1 : 0, tb ? 1 : 0, 0), null, 0, null);
  for (let i = 0; i < guarded.length; i++) {
    if (i === 17) i += m * n;
    if (guarded[i] !== GUARD)
      throw new Error(`gemm ${m}x${n}x${k} wrote at ${i - 17}, outside of its ${m * n} elements`);
  }
  return c;
}

/** Largest error in units of the rounding bound k·2⁻²⁴·Σ|terms| of a float32 sum in any order. */
function worstError(m: number, n: number, k: number, ta: boolean, tb: boolean): number {
  const a = values(m * k, m + 1);
  const b = values(k * n, n + 2);
  const c = run(m, n, k, ta, tb, a, b);
  const { sums, magnitudes } = naive(a, b, m, n, k, ta, tb);
  let worst = 0;
  for (let i = 0; i < m * n; i++) {
    const bound = (k + 1) * 2 ** -24 * (magnitudes[i] as number) + 1e-30;
    const error = Math.abs((c[i] as number) - (sums[i] as number)) / bound;
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

const TRANSPOSES = [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
] as const;

// Sizes around the tiles (4×8, 6×16, 14×32), the vectors (8, 16), the few-rows path (m ≤ 8) and
// unrolls of 8.
const EDGES = [1, 2, 3, 5, 7, 8, 9, 13, 14, 15, 16, 17, 28, 29, 31, 32, 33, 49];
// Sizes with m·n·k > 2²⁰, so that all threads share the product. It is read in place or packed,
// over one and two blocks of depth, in several tasks of rows and of columns.
const BLOCKED = [
  [131, 67, 255],
  [97, 289, 129],
  [15, 300, 257],
  [225, 33, 515],
  [9, 513, 300],
  [530, 290, 20],
] as const;

describe.each(targets)('gemm on %s', (target) => {
  beforeAll(() => void setTarget(target));
  afterAll(() => void setTarget(originalTarget));

  test.each(TRANSPOSES)('sizes around every edge, transposeA %s, transposeB %s', (ta, tb) => {
    const wrong: number[][] = [];
    for (const m of EDGES) {
      EDGES.forEach((n, i) => {
        const k = EDGES[(i * 7 + m) % EDGES.length] as number;
        if (!(worstError(m, n, k, ta, tb) <= 1)) wrong.push([m, n, k]);
      });
    }
    expect(wrong).toEqual([]);
  });

  test.each(TRANSPOSES)('sizes over several blocks, transposeA %s, transposeB %s', (ta, tb) => {
    expect(BLOCKED.filter(([m, n, k]) => !(worstError(m, n, k, ta, tb) <= 1))).toEqual([]);
  });

  test('two rows times a large matrix, both ways', () => {
    for (const tb of [false, true]) expect(worstError(2, 1111, 700, false, tb)).toBeLessThanOrEqual(1);
    expect(worstError(3, 1030, 600, true, false)).toBeLessThanOrEqual(1);
    expect(worstError(1500, 1, 700, false, false)).toBeLessThanOrEqual(1);
  });

  test('the same bits with 1, 2 and 5 threads', () => {
    const sizes = [...BLOCKED, [2, 1111, 700] as const];
    for (const [m, n, k] of sizes) {
      for (const [ta, tb] of TRANSPOSES) {
        const a = values(m * k, 1);
        const b = values(k * n, 2);
        const results = [1, 2, 5].map((threads) => {
          setThreads(threads);
          return run(m, n, k, ta, tb, a, b);
        });
        setThreads(originalThreads);
        const bytes = results.map((c) => Buffer.from(c.buffer, c.byteOffset, c.byteLength));
        expect(bytes.map((other) => other.equals(bytes[0] as Buffer))).toEqual([true, true, true]);
      }
    }
  });

  test('NaN and infinity travel through', () => {
    for (const [m, n, k] of [
      [3, 40, 9],
      [20, 40, 17],
      [130, 130, 130],
    ] as const) {
      const a = values(m * k, 1);
      const b = values(k * n, 2);
      a[k + 1] = Number.NaN; // row 1
      a[2 * k] = Number.POSITIVE_INFINITY; // row 2
      const c = run(m, n, k, false, false, a, b);
      expect(c.subarray(n, 2 * n).every(Number.isNaN)).toBe(true);
      expect(c.subarray(2 * n, 3 * n).every((x) => Math.abs(x) === Number.POSITIVE_INFINITY)).toBe(true);
      expect(c.subarray(0, n).every(Number.isFinite)).toBe(true);
    }
  });
});

test('every target of this machine was tested', () => {
  expect(CPU_TARGETS.filter((target) => targets.includes(target))).toEqual([...targets]);
});

describe('productShape', () => {
  test('merges batch axes that both walk contiguously', () => {
    const shape = productShape([5, 3, 4, 2], [5, 3, 2, 7], false, false);
    expect(shape).toEqual({ outShape: [5, 3, 4, 7], m: 4, n: 7, k: 2, batch: [{ extent: 15, a: 8, b: 14 }] });
  });
  test('keeps a broadcast axis apart', () => {
    const { batch, outShape } = productShape([5, 1, 4, 2], [3, 7, 2], false, true);
    expect(outShape).toEqual([5, 3, 4, 7]);
    expect(batch).toEqual([
      { extent: 5, a: 8, b: 0 },
      { extent: 3, a: 0, b: 14 },
    ]);
  });
  test('refuses a vector', () => {
    expect(() => productShape([2, 2], [2], false, false)).toThrow(
      /rank 2 or more, got shapes \[2,2\] and \[2\]/,
    );
  });

  test('refuses inner sizes that differ', () => {
    expect(() => productShape([2, 3], [4, 5], false, false)).toThrow(/inner shapes \(3\) and \(4\)/);
  });
});

describe('tf.matMul on native', () => {
  beforeAll(async () => void (await tf.setBackend('native')));

  test('[2,3]x[3,2] by hand', () => {
    // [1 2 3; 4 5 6]·[7 8; 9 10; 11 12] = [7+18+33, 8+20+36; 28+45+66, 32+50+72]
    const y = tf.matMul([[1, 2, 3], [4, 5, 6]], [[7, 8], [9, 10], [11, 12]]); // biome-ignore format: matrices
    expect([...y.dataSync()]).toEqual([58, 64, 139, 154]);
  });

  test.each([
    { a: [3, 5, 7], b: [3, 7, 11] },
    { a: [3, 5, 7], b: [1, 7, 11] },
    { a: [1, 5, 7], b: [3, 7, 11] },
    { a: [2, 1, 5, 7], b: [1, 3, 7, 11] },
    { a: [2, 3, 1, 1, 5, 7], b: [1, 3, 2, 2, 7, 11] },
    { a: [4, 40, 60], b: [4, 60, 50] },
    { a: [1, 300, 90], b: [2, 90, 110] },
  ])('batch $a x $b against float64', ({ a, b }) => {
    const x = values(tf.util.sizeFromShape(a), 3);
    const w = values(tf.util.sizeFromShape(b), 4);
    const y = tf.matMul(tf.tensor(x, a), tf.tensor(w, b));
    const { outShape, m, n, k } = productShape(a, b, false, false);
    expect(y.shape).toEqual(outShape);
    const got = y.dataSync();
    const outer = outShape.slice(0, -2);
    const count = tf.util.sizeFromShape(outer);
    let wrong = 0;
    for (let index = 0; index < count; index++) {
      const at = tf.util.indexToLoc(index, outer.length, tf.util.computeStrides(outer));
      const offset = (shape: number[]) =>
        shape.slice(0, -2).reduce((sum, extent, axis, all) => {
          const position = at[at.length - all.length + axis] as number;
          return sum * extent + (extent === 1 ? 0 : position);
        }, 0);
      const ax = x.slice(offset(a) * m * k, (offset(a) + 1) * m * k);
      const bx = w.slice(offset(b) * k * n, (offset(b) + 1) * k * n);
      const { sums } = naive(ax, bx, m, n, k, false, false);
      for (let i = 0; i < m * n; i++)
        if (!(abs((got[index * m * n + i] as number) - (sums[i] as number)) < 1e-4)) wrong++;
    }
    expect(wrong).toBe(0);
  });

  test('empty sums are 0, empty outputs empty', () => {
    expect([...tf.matMul(tf.zeros([2, 0]), tf.zeros([0, 3])).dataSync()]).toEqual([0, 0, 0, 0, 0, 0]);
    expect(tf.matMul(tf.zeros([0, 4]), tf.zeros([4, 3])).shape).toEqual([0, 3]);
  });

  test('int32 keeps its dtype', () => {
    const y = tf.matMul(tf.tensor2d([[1, 2]], [1, 2], 'int32'), tf.tensor2d([[3], [4]], [2, 1], 'int32'));
    expect(y.dtype).toBe('int32');
    expect([...y.dataSync()]).toEqual([11]);
  });

  test('float32 that lies on another array type', () => {
    const x = tf.tensor2d([[1, 2]], [1, 2], 'int32').cast('float32');
    expect([...tf.matMul(x, tf.tensor2d([[0.5], [0.25]])).dataSync()]).toEqual([1]);
  });

  test('leaves no tensor behind', () => {
    const before = tf.memory().numTensors;
    tf.tidy(() => void tf.matMul(tf.ones([20, 30]), tf.ones([30, 40])));
    expect(tf.memory().numTensors).toBe(before);
  });
});
