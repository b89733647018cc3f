import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { difference, someValues, underEachTarget } from '../../testing/against-cpu.js';
import { addon, setThreads } from '../addon.js';
import '../index.js';
import { BINARY_OPS, UNARY_OPS } from '../addon-numbers.js';

// Outputs from 2^23 elements on are streamed (native/runtime/stream.h). With width 1025, rows begin
// at every alignment.
const WIDTH = 1025;
const ROWS = 8200;
const SIZE = ROWS * WIDTH;
/** Rows that are also computed alone, in an output that is not streamed. */
const SOME = [0, 1, 15, 4099, ROWS - 1];

let x: Float32Array;
let dy: Float32Array;
const scale = someValues(WIDTH, 2, 3);
const bias = someValues(WIDTH, 2, 4);

beforeAll(() => {
  tf.setBackend('native');
  x = someValues(SIZE, 4, 1);
  dy = someValues(SIZE, 1, 2);
});

const rowOf = (values: Float32Array, r: number) => values.slice(r * WIDTH, (r + 1) * WIDTH);
/** An array whose first element is 4 bytes past a cache line's start. */
const shifted = (size: number) => new Float32Array(size + 17).subarray(17);

function expectSame(got: Float32Array, expected: Float32Array, what: string): void {
  if (
    Buffer.compare(
      Buffer.from(got.buffer, got.byteOffset, got.byteLength),
      Buffer.from(expected.buffer, expected.byteOffset, expected.byteLength),
    ) !== 0
  )
    throw new Error(`${what}: ${difference(got, expected, { absolute: 0, relative: 0 })}`);
}

/** run(rows) gives its output [rows.length · WIDTH] for those rows of x and dy, or all rows. */
function expectRowsAsAlone(
  run: (y: Float32Array, x: Float32Array, dy: Float32Array, rows: number) => void,
  tolerance?: { absolute: number; relative: number },
): void {
  underEachTarget((target) => {
    const y = shifted(SIZE);
    run(y, x, dy, ROWS);
    for (const r of SOME) {
      const alone = new Float32Array(WIDTH);
      run(alone, rowOf(x, r), rowOf(dy, r), 1);
      const what = `${target}, row ${r}`;
      if (tolerance === undefined) expectSame(rowOf(y, r), alone, what);
      else {
        const problem = difference(rowOf(y, r), alone, tolerance);
        if (problem) throw new Error(`${what}${problem}`);
      }
    }
    // Into the same memory: sums go by where a row begins, and two arrays may begin otherwise.
    const withAll = y.slice();
    y.fill(Number.NaN);
    const threads = setThreads(1);
    run(y, x, dy, ROWS);
    setThreads(threads);
    expectSame(withAll, y, `${target}, one thread and ${threads}`);
  });
}

/** Sums of streamed rows go by where the row begins. */
const ROUNDED = { absolute: 1e-6, relative: 4e-6 };

describe('large outputs, streamed, are those of small ones', () => {
  test.each(['neg', 'silu'] as const)('unary %s', (op) => {
    expectRowsAsAlone((y, x) => addon().unary(UNARY_OPS.indexOf(op), y, x, 1, 1));
  });

  test.each(['add', 'mul'] as const)('binary %s', (op) => {
    expectRowsAsAlone((y, x, dy, rows) =>
      addon().binary(BINARY_OPS.indexOf(op), y, dy, x, Int32Array.of(rows * WIDTH, 1, 1)),
    );
  });

  test('binary add of a row to each row, and of a number', () => {
    const add = BINARY_OPS.indexOf('add');
    expectRowsAsAlone((y, x, _, rows) =>
      addon().binary(add, y, x, bias, Int32Array.of(rows, WIDTH, WIDTH, 1, 0, 1)),
    );
    expectRowsAsAlone((y, x, _, rows) => addon().binary(add, y, x, bias, Int32Array.of(rows * WIDTH, 1, 0)));
    expectRowsAsAlone((y, x, _, rows) => addon().binary(add, y, bias, x, Int32Array.of(rows * WIDTH, 0, 1)));
  });

  test('copies: whole, of rows, into rows, and of bytes', () => {
    expectRowsAsAlone((y, x, _, rows) => addon().copyWords(y, 0, x, 0, Int32Array.of(rows * WIDTH, 1, 1)));
    const before = 3;
    const apart = 1100; // between the starts of rows
    const padded = shifted(before + ROWS * apart).fill(7);
    addon().copyWords(padded, before, x, 0, Int32Array.of(ROWS, WIDTH, apart, 1, WIDTH, 1));
    for (const r of SOME) {
      const at = before + r * apart;
      expectSame(padded.slice(at, at + WIDTH), rowOf(x, r), `row ${r} of a padded array`);
      expect(padded[at - 1]).toBe(7);
      expect(padded.slice(at + WIDTH, at + apart).every((value) => value === 7)).toBe(true);
    }
    const joined = shifted(SIZE);
    addon().copyWords(joined, 0, padded, before, Int32Array.of(ROWS, WIDTH, WIDTH, 1, apart, 1));
    expectSame(joined, x, 'rows that lay apart');
    const bytes = new Uint8Array(x.buffer);
    const copy = new Uint8Array(bytes.length + 5);
    addon().copyBytes(copy, 5, bytes, 0, Int32Array.of(bytes.length, 1, 1));
    expect(Buffer.compare(copy.subarray(5), bytes)).toBe(0);
    expect([...copy.subarray(0, 5)]).toEqual([0, 0, 0, 0, 0]);
  });

  test.each([false, true])('layer norm and its gradient, rms %s', (rms) => {
    expectRowsAsAlone((y, x, _, rows) => {
      const statistics = [new Float32Array(rows), new Float32Array(rows)] as const;
      addon().layerNorm(y, ...statistics, x, scale, bias, 1e-5, rms);
    }, ROUNDED);
    expectRowsAsAlone((dx, x, dy, rows) => {
      const mean = new Float32Array(rows).fill(rms ? 0 : 0.25);
      const rstd = new Float32Array(rows).fill(0.5);
      addon().layerNormGrad(dx, null, null, dy, x, mean, rstd, scale, rms);
    }, ROUNDED);
  });

  test('softmax, log-softmax and their gradients', () => {
    expectRowsAsAlone((y, x) => addon().softmax(y, x, WIDTH), { absolute: 1e-12, relative: 2e-6 });
    expectRowsAsAlone((y, x) => addon().logSoftmax(y, x, WIDTH), ROUNDED);
    // Σ dy of 1025 terms below 1 is some 1e-6 off, and is multiplied by y (here up to 4) or exp(y)
    // (up to 55).
    expectRowsAsAlone((dx, x, dy) => addon().softmaxGrad(dx, dy, x, WIDTH), {
      absolute: 4e-4,
      relative: 4e-6,
    });
    expectRowsAsAlone((dx, x, dy) => addon().logSoftmaxGrad(dx, dy, x, WIDTH), {
      absolute: 4e-4,
      relative: 4e-6,
    });
  });

  test('gradient of cross-entropy, a label at each place of a vector and at both ends', () => {
    expectRowsAsAlone((dx, x, _, rows) => {
      // A row alone is given its own label by a value that it holds nowhere else.
      const labels = Int32Array.from({ length: rows }, (_, r) => labelOf(x[r * WIDTH] as number));
      const lse = new Float32Array(rows).fill(9);
      addon().crossEntropyGrad(dx, new Float32Array(rows).fill(0.5), x, labels, lse, WIDTH);
    });
  });

  test('group norm with swish and its gradient: two pictures are as each alone', () => {
    const groups = 5; // of 205 channels
    const pixels = ROWS / 2;
    underEachTarget((target) => {
      const run = (x: Float32Array, dy: Float32Array, batch: number) => {
        const y = new Float32Array(x.length);
        const dx = new Float32Array(x.length);
        const mean = new Float32Array(batch * groups);
        const rstd = new Float32Array(batch * groups);
        const sums = [new Float32Array(WIDTH), new Float32Array(WIDTH)] as const;
        addon().groupNorm(y, mean, rstd, x, scale, bias, batch, groups, 1e-6, true);
        addon().groupNormGrad(dx, ...sums, dy, x, mean, rstd, scale, bias, batch, groups, true);
        return { y, dx };
      };
      const both = run(x, dy, 2);
      const half = pixels * WIDTH;
      const second = run(x.slice(half), dy.slice(half), 1);
      expectSame(both.y.slice(half), second.y, `${target}, forward`);
      // dz is recomputed or kept: the same arithmetic.
      expectSame(both.dx.slice(half), second.dx, `${target}, backward`);
    });
  });
});

function labelOf(first: number): number {
  return Math.floor(((first + 4) / 8) * WIDTH) % WIDTH;
}

test('a label of each place is among those of the gradient test', () => {
  const labels = new Set(Array.from({ length: ROWS }, (_, r) => labelOf(x[r * WIDTH] as number)));
  expect(labels.size).toBeGreaterThan(900);
});
