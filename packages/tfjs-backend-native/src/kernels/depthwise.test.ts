import { beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import '../index.js';
import { expectAsOnCpu, ROUNDINGS, someValues, underEachTarget } from '../../testing/against-cpu.js';
import { addon, setThreads } from '../addon.js';
import { kernelCounts, resetKernelCounts } from '../kernel-counts.js';

type Shape4 = [number, number, number, number];
type Pad = 'same' | 'valid' | number | tf.backend_util.ExplicitPadding;

const image = (shape: Shape4, seed: number) =>
  tf.tensor4d(someValues(tf.util.sizeFromShape(shape), 1, seed), shape);
/** Up to 49 taps, or for df up to 8400 pixels, in float32; the cpu backend sums df in float64. */
const SUMS = { absolute: 1e-4, relative: 1e-5 };

beforeEach(() => tf.setBackend('native'));

// biome-ignore format: a table
const CASES: [name: string, x: Shape4, filter: Shape4, strides: number | [number, number], pad: Pad][] = [
  ['3x3 same', [2, 9, 11, 17], [3, 3, 17, 1], 1, 'same'],
  ['3x3 valid, 3 channels', [2, 7, 10, 3], [3, 3, 3, 1], 1, 'valid'],
  ['3x3 stride 2 same, 33 channels', [1, 12, 9, 33], [3, 3, 33, 1], 2, 'same'],
  ['3x3, 2 filters a channel', [2, 8, 7, 5], [3, 3, 5, 2], 1, 'same'],
  ['5x2 stride 3, 3 filters a channel', [2, 13, 12, 4], [5, 2, 4, 3], 3, 'valid'],
  ['7x7 same, one channel', [1, 16, 15, 1], [7, 7, 1, 1], 1, 'same'],
  ['1x1', [2, 5, 6, 9], [1, 1, 9, 1], 1, 'same'],
  ['window larger than the image', [2, 3, 2, 4], [7, 5, 4, 1], 1, 'same'],
  ['explicit uneven pad', [1, 6, 8, 16], [3, 3, 16, 1], 1, [[0, 0], [2, 0], [0, 3], [0, 0]]],
  ['stride beyond the window: pixels that nothing reads', [1, 11, 13, 6], [2, 2, 6, 1], 4, 'valid'],
  ['many rows: df in parts', [3, 70, 40, 32], [3, 3, 32, 1], 1, 'same'],
];

describe.each(CASES)('depthwise %s', (_, xShape, filterShape, strides, pad) => {
  test('as on cpu, with both gradients', () => {
    expectAsOnCpu(() => {
      const x = image(xShape, 1);
      const filter = image(filterShape, 2);
      const y = tf.depthwiseConv2d(x, filter, strides, pad as 'same');
      const dy = image(y.shape as Shape4, 3);
      const { value, grads } = tf.valueAndGrads((a, b) =>
        tf.depthwiseConv2d(a as tf.Tensor4D, b as tf.Tensor4D, strides, pad as 'same'),
      )([x, filter], dy);
      return [y, value, ...grads];
    }, SUMS);
  });
});

test('2x2 over 2x3 by hand, two channels', () => {
  // Channel 0: [1 2 3; 4 5 6] with [1 10; 100 1000]: 1+20+400+5000 = 5421, 2+30+500+6000 = 6532.
  // Channel 1 is −1 times that, with the same filter.
  const x = tf.tensor4d([1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6], [1, 2, 3, 2]);
  const filter = tf.tensor4d([1, 1, 10, 10, 100, 100, 1000, 1000], [2, 2, 2, 1]);
  underEachTarget(() => {
    const y = tf.depthwiseConv2d(x, filter, 1, 'valid');
    expect([...y.dataSync()]).toEqual([5421, -5421, 6532, -6532]);
    y.dispose();
  });
});

test('dilation, and that the filter’s gradient sees it', () => {
  // x = 1 2 3 4 5 in a row, filter [a, b] with dilation 2: y_j = a·x_j + b·x_{j+2}. With dy = 1 10
  // 100, da = 1 + 20 + 300 and db = 3 + 40 + 500.
  const x = tf.tensor4d([1, 2, 3, 4, 5], [1, 1, 5, 1]);
  const dy = tf.tensor4d([1, 10, 100], [1, 1, 3, 1]);
  const filter = tf.tensor4d([7, 1000], [1, 2, 1, 1]);
  underEachTarget(() => {
    const y = tf.depthwiseConv2d(x, filter, 1, 'valid', 'NHWC', [1, 2]);
    expect([...y.dataSync()]).toEqual([3007, 4014, 5021]);
    const attrs = {
      strides: 1,
      pad: 'valid',
      dilations: [1, 2],
      filterShape: filter.shape,
      inputShape: x.shape,
    };
    const run = (kernel: string, inputs: tf.NamedTensorMap) =>
      tf.engine().runKernel(kernel, inputs, attrs as unknown as tf.NamedAttrMap) as tf.Tensor;
    const df = run(tf.DepthwiseConv2dNativeBackpropFilter, { x, dy });
    expect([...df.dataSync()]).toEqual([321, 543]);
    // dx_j = a·dy_j + b·dy_{j−2}
    const dx = run(tf.DepthwiseConv2dNativeBackpropInput, { dy, filter });
    expect([...dx.dataSync()]).toEqual([7, 70, 1700, 10000, 100000]);
    tf.dispose([y, df, dx]);
  });
});

test.each(['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu'] as const)(
  'fused bias and %s',
  (activation) => {
    expectAsOnCpu(() => {
      const prelu = activation === 'prelu' ? { preluActivationWeights: image([1, 1, 1, 19], 4) } : {};
      return tf.fused.depthwiseConv2d({
        x: image([2, 6, 7, 19], 1),
        filter: image([3, 3, 19, 1], 2),
        strides: 1,
        pad: 'same',
        bias: tf.tensor1d(someValues(19, 1, 3)),
        activation,
        leakyreluAlpha: 0.3,
        ...prelu,
      });
    }, SUMS);
  },
);

test('separableConv2d and its gradients run natively', () => {
  resetKernelCounts();
  const run = () =>
    tf.grads((x, depth, point) =>
      tf
        .separableConv2d(x as tf.Tensor4D, depth as tf.Tensor4D, point as tf.Tensor4D, 1, 'same')
        .square()
        .sum(),
    )([image([2, 6, 5, 8], 1), image([3, 3, 8, 2], 2), image([1, 1, 16, 4], 3)]);
  expectAsOnCpu(run, { absolute: 1e-3, relative: 1e-4 });
  const ours = kernelCounts().filter(({ kernel }) => kernel.startsWith('Depthwise'));
  expect(ours.map(({ kernel, cpu }) => [kernel, cpu])).toEqual([
    ['DepthwiseConv2dNative', 0],
    ['DepthwiseConv2dNativeBackpropFilter', 0],
    ['DepthwiseConv2dNativeBackpropInput', 0],
  ]);
});

test('NaN and infinities stay in their windows and channels', () => {
  underEachTarget(() => {
    tf.tidy(() => {
      const values = new Float32Array(5 * 6 * 18).fill(1);
      values[(2 * 6 + 3) * 18 + 4] = Number.NaN;
      values[(0 * 6 + 0) * 18 + 17] = Number.POSITIVE_INFINITY;
      const y = tf.depthwiseConv2d(tf.tensor4d(values, [1, 5, 6, 18]), tf.ones([3, 3, 18, 1]), 1, 'same');
      const got = y.dataSync();
      got.forEach((value, at) => {
        const [c, j, i] = [at % 18, Math.floor(at / 18) % 6, Math.floor(at / 18 / 6)];
        const hasNaN = c === 4 && Math.abs(i - 2) <= 1 && Math.abs(j - 3) <= 1;
        const isInfinite = c === 17 && i <= 1 && j <= 1;
        if (Number.isNaN(value) !== hasNaN || (value === Number.POSITIVE_INFINITY) !== isInfinite)
          throw new Error(`[${i},${j},${c}]: ${value}`);
      });
    });
  });
});

test('empty batch, no channels, int32', () => {
  expectAsOnCpu(() => [
    tf.depthwiseConv2d(tf.zeros<tf.Rank.R4>([0, 4, 4, 2]), tf.zeros([3, 3, 2, 1]), 1, 'same'),
    tf
      .engine()
      .runKernel(
        tf.DepthwiseConv2dNative,
        { x: tf.ones([1, 4, 5, 2], 'int32'), filter: tf.ones([3, 3, 2, 1], 'int32') },
        { strides: [1, 1], pad: 'same', dilations: [1, 1] } as unknown as tf.NamedAttrMap,
      ) as tf.Tensor,
  ]);
});

test('the same bits with 1, 2 and 5 threads', () => {
  const before = addon().status().threads;
  const bytes = [1, 2, 5].map((threads) => {
    setThreads(threads);
    return tf.tidy(() => {
      const x = image([4, 60, 31, 40], 1);
      const filter = image([3, 3, 40, 2], 2);
      const { value, grads } = tf.valueAndGrads((a, b) =>
        tf.depthwiseConv2d(a as tf.Tensor4D, b as tf.Tensor4D, 1, 'same'),
      )([x, filter]);
      return [value, ...grads].map((tensor) => Buffer.from(tensor.dataSync().buffer).toString('base64'));
    });
  });
  setThreads(before);
  expect(bytes[1]).toEqual(bytes[0]);
  expect(bytes[2]).toEqual(bytes[0]);
});

test('the binding refuses arrays that do not fit the sizes', () => {
  const [y, x, filter] = [18, 18, 18].map((size) => new Float32Array(size)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const sizes = (inChannels: number, outChannels: number) =>
    Int32Array.of(1, 3, 3, inChannels, 3, 3, outChannels, 3, 3, 1, 1, 1, 1, 1, 1, 0);
  addon().depthwise(y, x, filter, sizes(2, 2), null, 0);
  expect(() => addon().depthwise(y, x, filter, sizes(2, 3), null, 0)).toThrow(/depthwise: .*multiple/);
  expect(() => addon().depthwise(y, x, filter.subarray(1), sizes(2, 2), null, 0)).toThrow(
    /the filter must hold/,
  );
  expect(() => addon().depthwiseInputGradient(y.subarray(1), x, filter, sizes(2, 2))).toThrow(
    /the image must hold/,
  );
  expect(() => addon().depthwiseFilterGradient(y, x, filter.subarray(1), sizes(2, 2))).toThrow(
    /the output must hold/,
  );
});

test('ROUNDINGS hold for a single tap', () => {
  expectAsOnCpu(
    () => tf.depthwiseConv2d(image([1, 4, 4, 40], 1), image([1, 1, 40, 1], 2), 1, 'same'),
    ROUNDINGS,
  );
});
