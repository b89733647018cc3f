import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import {
  difference,
  expectAsOnCpu,
  LENGTHS,
  ROUNDINGS,
  someValues,
  underEachTarget,
} from '../../testing/against-cpu.js';
import { setThreads } from '../addon.js';
import type { NativeBackend } from '../backend.js';
import { kernelCounts, resetKernelCounts } from '../index.js';

beforeAll(async () => {
  await tf.setBackend('native');
  (tf.backend() as NativeBackend).pool.poison = true;
});

/**
 * Values of an average's gradient, in double: each window shares dy among its pixels inside of the
 * picture. tfjs's cpu kernel divides by the whole window, which TensorFlow and finite differences
 * contradict.
 */
function averageGradient(
  x: tf.Tensor4D,
  dy: tf.Tensor4D,
  size: [number, number],
  strides: [number, number],
  pad: Pad,
): Float64Array {
  const s = tf.backend_util.computePool2DInfo(x.shape, size, strides, 1, pad);
  const dx = new Float64Array(x.size);
  const gradient = dy.dataSync();
  for (const [o, value] of gradient.entries()) {
    const [b, i, j, c] = tf.util.indexToLoc(o, 4, tf.util.computeStrides(dy.shape)) as [
      number,
      number,
      number,
      number,
    ];
    const pixels: number[] = [];
    for (let u = 0; u < s.filterHeight; u++)
      for (let v = 0; v < s.filterWidth; v++) {
        const row = i * s.strideHeight + u - s.padInfo.top;
        const column = j * s.strideWidth + v - s.padInfo.left;
        if (row < 0 || row >= s.inHeight || column < 0 || column >= s.inWidth) continue;
        pixels.push(((b * s.inHeight + row) * s.inWidth + column) * s.inChannels + c);
      }
    for (const pixel of pixels) dx[pixel] = (dx[pixel] as number) + value / pixels.length;
  }
  return dx;
}

type Pool = (x: tf.Tensor4D, size: [number, number], strides: [number, number], pad: Pad) => tf.Tensor4D;
type Pad = 'same' | 'valid' | number;

const pools: [string, Pool][] = [
  ['maxPool', (x, size, strides, pad) => tf.maxPool(x, size, strides, pad)],
  ['avgPool', (x, size, strides, pad) => tf.avgPool(x, size, strides, pad)],
];
const image = (shape: [number, number, number, number], seed = 1) =>
  tf.tensor4d(someValues(shape.reduce((a, b) => a * b), 2, seed), shape); // biome-ignore format: one line

/** The gradient of f, pictures to pictures: dx of (x, dy). */
const gradOf = (f: (x: tf.Tensor4D) => tf.Tensor4D) => tf.grad((x) => f(x as tf.Tensor4D));

describe.each(pools)('%s as on cpu', (name, pool) => {
  const cases: [size: [number, number], strides: [number, number], pad: Pad][] = [
    [[2, 2], [2, 2], 'valid'],
    [[2, 3], [1, 2], 'same'], // windows that share pixels, cut off by the edge
    [[3, 3], [2, 2], 1],
    [[1, 1], [1, 1], 'valid'],
    [[1, 1], [2, 3], 'valid'], // pixels that no window has
    [[7, 5], [1, 1], 'valid'], // the whole picture
    [[4, 4], [1, 1], 'same'],
  ];
  test.each(cases)('window %j, strides %j, pad %j: value and gradient', (size, strides, pad) => {
    const gradient = (x: tf.Tensor4D, y: tf.Tensor4D) =>
      gradOf((input) => pool(input, size, strides, pad))(x, image(y.shape, 2));
    expectAsOnCpu(() => {
      const x = image([3, 7, 5, 2]);
      const y = pool(x, size, strides, pad);
      return name === 'maxPool' ? [y, gradient(x, y)] : [y];
    });
    if (name === 'avgPool')
      underEachTarget(() => {
        tf.tidy(() => {
          const x = image([3, 7, 5, 2]);
          const y = pool(x, size, strides, pad);
          const expected = averageGradient(x, image(y.shape, 2), size, strides, pad);
          expect(difference(gradient(x, y).dataSync(), expected, ROUNDINGS)).toBeUndefined();
        });
      });
  });

  test.each(LENGTHS)('%i channels', (channels) => {
    expectAsOnCpu(() => {
      const x = image([2, 5, 6, channels]);
      const dy = image([2, 2, 3, channels], 2);
      return [pool(x, [2, 2], [2, 2], 'valid'), gradOf((a) => pool(a, [2, 2], [2, 2], 'valid'))(x, dy)];
    });
  });

  // Without a border: there the cpu kernel's gradient of an average is right.
  test('many rows: blocks of the gradient meet inside of windows', () => {
    expectAsOnCpu(() =>
      gradOf((input) => pool(input, [3, 3], [2, 2], 'valid'))(
        image([1, 91, 71, 17]),
        image([1, 45, 35, 17], 2),
      ),
    );
  });

  test('no pictures', () => {
    expectAsOnCpu(() => pool(tf.zeros([0, 4, 6, 3]), [2, 2], [2, 2], 'valid'));
  });

  test('one thread or several, the same bits; nothing falls through', () => {
    resetKernelCounts();
    underEachTarget(() => {
      const run = () =>
        tf.tidy(() => {
          const x = image([2, 40, 40, 67]);
          const grad = gradOf((input) => pool(input, [3, 3], [1, 1], 'same'));
          return Buffer.from(
            grad(x, image([2, 40, 40, 67], 5))
              .dataSync()
              .slice().buffer,
          ).toString('base64');
        });
      const threads = setThreads(1);
      const alone = run();
      setThreads(Math.max(2, threads));
      const together = run();
      setThreads(threads);
      expect(together === alone).toBe(true);
    });
    expect(kernelCounts().filter(({ kernel, cpu }) => /Pool/.test(kernel) && cpu > 0)).toEqual([]);
  });
});

test('maxPool by hand: NaN is left aside, the first of equal pixels gets the gradient, −Infinity where all are NaN', () => {
  underEachTarget(() => {
    // Windows: 1, NaN, 3, 3 | NaN ×4
    const x = tf.tensor4d(
      [1, Number.NaN, Number.NaN, Number.NaN, 3, 3, Number.NaN, Number.NaN],
      [1, 2, 4, 1],
    );
    const pool = (a: tf.Tensor4D) => tf.maxPool(a, 2, 2, 'valid');
    const y = pool(x);
    const dx = gradOf(pool)(x, tf.tensor4d([10, 20], [1, 1, 2, 1]));
    expect([...y.dataSync()]).toEqual([3, Number.NEGATIVE_INFINITY]);
    expect([...dx.dataSync()]).toEqual([0, 0, 0, 0, 10, 0, 0, 0]);
    tf.dispose([x, y, dx]);
  });
});

test('gradient of avgPool3d: a window shares its gradient among the pixels inside', () => {
  const [size, strides]: [[number, number, number], [number, number, number]] = [
    [2, 3, 2],
    [2, 1, 2],
  ];
  const pool = (a: tf.Tensor) => tf.avgPool3d(a as tf.Tensor5D, size, strides, 'same');
  tf.tidy(() => {
    const x = tf.tensor5d(someValues(2 * 3 * 5 * 7 * 2, 2, 1), [2, 3, 5, 7, 2]);
    const y = pool(x);
    const dy = tf.tensor5d(someValues(y.size, 2, 2), y.shape);
    const dx = tf.grad(pool)(x, dy);
    // The average is linear, so that column k of its transpose is the response to a one at k.
    const expected = Float32Array.from({ length: x.size }, (_, k) => {
      const one = tf.oneHot(tf.scalar(k, 'int32'), x.size).toFloat().reshape(x.shape);
      return tf.sum(tf.mul(pool(one), dy)).dataSync()[0] as number;
    });
    expect(difference(dx.dataSync(), expected, ROUNDINGS)).toBeUndefined();
  });
});

test('maxPool of int32', () => {
  expectAsOnCpu(() =>
    tf.maxPool(tf.range(0, 48, 1, 'int32').reshape([1, 4, 4, 3]) as tf.Tensor4D, 2, 2, 'valid'),
  );
});

test('avgPool by hand: a window at the edge is divided by the pixels it has', () => {
  const x = tf.tensor4d([1, 2, 3, 4, 5, 6], [1, 2, 3, 1]);
  const y = tf.avgPool(x, 2, 2, 'same'); // columns 0–1, column 2
  expect([...y.dataSync()]).toEqual([3, 4.5]);
  tf.dispose([x, y]);
});
