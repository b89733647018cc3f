import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import '../index.js';
import { addon, setTarget, setThreads } from '../addon.js';
import { type ConvolutionInfo, convolutionInfo, convolutionSizes } from './convolution.js';

const { targets, target: originalTarget, threads: originalThreads } = addon().status();

// Looking up a global costs 100 ns in jest's sandbox.
const { abs, floor, imul, max, min } = Math;

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

type Kind = 'forward' | 'input gradient' | 'filter gradient';

/**
 * The definition in float64, for the convolution or one of its gradients, with the sums of absolute
 * terms.
 */
function naive(s: ConvolutionInfo, kind: Kind, first: Float32Array, second: Float32Array) {
  const size = {
    forward: s.batchSize * s.outHeight * s.outWidth * s.outChannels,
    'input gradient': s.batchSize * s.inHeight * s.inWidth * s.inChannels,
    'filter gradient': s.filterHeight * s.filterWidth * s.inChannels * s.outChannels,
  }[kind];
  const sums = new Float64Array(size);
  const magnitudes = new Float64Array(size);
  const { inChannels: C, outChannels: D } = s;
  for (let b = 0; b < s.batchSize; b++)
    for (let i = 0; i < s.outHeight; i++)
      for (let j = 0; j < s.outWidth; j++)
        for (let u = 0; u < s.filterHeight; u++)
          for (let v = 0; v < s.filterWidth; v++) {
            const row = i * s.strideHeight + u * s.dilationHeight - s.padInfo.top;
            const column = j * s.strideWidth + v * s.dilationWidth - s.padInfo.left;
            if (row < 0 || row >= s.inHeight || column < 0 || column >= s.inWidth) continue;
            for (let c = 0; c < C; c++)
              for (let d = 0; d < D; d++) {
                const x = ((b * s.inHeight + row) * s.inWidth + column) * C + c;
                const y = ((b * s.outHeight + i) * s.outWidth + j) * D + d;
                const f = ((u * s.filterWidth + v) * C + c) * D + d;
                const [at, p, q] =
                  kind === 'forward' ? [y, x, f] : kind === 'input gradient' ? [x, y, f] : [f, x, y];
                const term = (first[p] as number) * (second[q] as number);
                sums[at] = (sums[at] as number) + term;
                magnitudes[at] = (magnitudes[at] as number) + abs(term);
              }
          }
  return { sums, magnitudes };
}

const GUARD = 12345.5;

/** Runs one of the three between two guards, from unaligned arrays. */
function run(
  s: ConvolutionInfo,
  kind: Kind,
  first: Float32Array,
  second: Float32Array,
  size: number,
): Float32Array {
  const guarded = new Float32Array(size + 33).fill(GUARD);
  const out = guarded.subarray(17, 17 + size);
  const sizes = convolutionSizes(s);
  if (kind === 'forward') addon().conv2d(out, first, second, sizes, null, 0);
  else if (kind === 'input gradient') addon().conv2dInputGradient(out, first, second, sizes);
  else addon().conv2dFilterGradient(out, first, second, sizes);
  for (let i = 0; i < guarded.length; i++) {
    if (i === 17) i += size;
    if (guarded[i] !== GUARD) throw new Error(`${kind} wrote at ${i - 17}, outside of its ${size} elements`);
  }
  return out;
}

function operands(s: ConvolutionInfo, kind: Kind): [Float32Array, Float32Array] {
  const x = values(tf.util.sizeFromShape(s.inShape), 1);
  const filter = values(tf.util.sizeFromShape(s.filterShape), 2);
  const dy = values(tf.util.sizeFromShape(s.outShape), 3);
  return kind === 'forward' ? [x, filter] : kind === 'input gradient' ? [dy, filter] : [x, dy];
}

/**
 * For each pixel of [B,H,W,C], the largest value of its channel within 3 pixels. The tile of
 * Winograd's algorithm is among these pixels.
 */
function largestNear(image: Float64Array, [, rows, columns, channels]: readonly number[]): Float64Array {
  const [H, W, C] = [rows as number, columns as number, channels as number];
  const reach = (line: number, extent: number) => [max(0, line - 3), min(extent - 1, line + 3)] as const;
  return image.map((_, at) => {
    const [c, column, row] = [at % C, floor(at / C) % W, floor(at / (C * W)) % H];
    const start = floor(at / (C * W * H)) * H;
    let largest = 0;
    const [top, bottom] = reach(row, H);
    const [left, right] = reach(column, W);
    for (let i = top; i <= bottom; i++)
      for (let j = left; j <= right; j++)
        largest = max(largest, image[((start + i) * W + j) * C + c] as number);
    return largest;
  });
}

const known = new Map<string, { sums: Float64Array; magnitudes: Float64Array }>();

/**
 * What naive gives, computed once for all targets. Where Winograd's algorithm may run, magnitudes
 * are those near a pixel.
 */
function expected(s: ConvolutionInfo, kind: Kind, first: Float32Array, second: Float32Array) {
  const key = kind + JSON.stringify(s);
  let result = known.get(key);
  if (result === undefined) {
    result = naive(s, kind, first, second);
    const tiled =
      s.filterHeight === 3 && s.filterWidth === 3 && s.strideHeight === 1 && s.dilationHeight === 1;
    if (tiled && kind !== 'filter gradient')
      result.magnitudes = largestNear(result.magnitudes, kind === 'forward' ? s.outShape : s.inShape);
    known.set(key, result);
  }
  return result;
}

/**
 * The largest error, in units of the rounding bound of a float32 sum in any order. Winograd's
 * algorithm, which 3x3 of stride 1 may take, shares its sums among the pixels of a tile. There the
 * bound is that of the tile's largest sum.
 */
function worstError(s: ConvolutionInfo, kind: Kind): number {
  const [first, second] = operands(s, kind);
  const { sums, magnitudes } = expected(s, kind, first, second);
  const out = run(s, kind, first, second, sums.length);
  const terms =
    kind === 'filter gradient'
      ? s.batchSize * s.outHeight * s.outWidth
      : s.filterHeight * s.filterWidth * (s.inChannels + s.outChannels);
  let worst = 0;
  for (let i = 0; i < sums.length; i++) {
    const bound = (terms + 1) * 2 ** -24 * (magnitudes[i] as number) + 1e-30;
    const error = abs((out[i] as number) - (sums[i] as number)) / bound;
    if (!(error <= worst)) worst = error;
  }
  return worst;
}

type Pad =
  | 'same'
  | 'valid'
  | number
  | [[number, number], [number, number], [number, number], [number, number]];
type Case = [
  name: string,
  x: number[],
  filter: number[],
  strides: [number, number],
  pad: Pad,
  dilations?: [number, number],
];

const CASES: Case[] = [
  ['3x3 same', [2, 17, 19, 5], [3, 3, 5, 7], [1, 1], 'same'],
  ['3x3 valid, wide channels', [2, 9, 16, 33], [3, 3, 33, 41], [1, 1], 'valid'],
  ['3x3 same, several panels and images in a part', [5, 8, 8, 40], [3, 3, 40, 72], [1, 1], 'same'],
  ['3x3 same, many rows', [2, 40, 32, 6], [3, 3, 6, 8], [1, 1], 'same'],
  ['3x3 stride 2, pad (0,1) as in VQGAN', [2, 16, 14, 9], [3, 3, 9, 11], [2, 2], [[0, 0], [0, 1], [0, 1], [0, 0]]],
  ['3x3 stride 2, pad (0,1), odd sizes', [2, 15, 13, 17], [3, 3, 17, 18], [2, 2], [[0, 0], [0, 1], [0, 1], [0, 0]]],
  ['3x3 stride 2 valid: rows that nothing reads', [1, 10, 12, 3], [3, 3, 3, 4], [2, 2], 'valid'],
  ['1x1', [3, 7, 5, 19], [1, 1, 19, 23], [1, 1], 'same'],
  ['1x1 stride 2', [2, 9, 8, 6], [1, 1, 6, 5], [2, 2], 'same'],
  ['4x2 stride 3x1', [2, 13, 11, 4], [4, 2, 4, 3], [3, 1], 'same'],
  ['3x3 dilation 2', [2, 12, 11, 5], [3, 3, 5, 6], [1, 1], 'same', [2, 2]],
  ['3x2 dilation 2x3, stride 2', [1, 17, 16, 5], [3, 2, 5, 4], [2, 2], 3, [2, 3]],
  ['3x3 stride 2, dilation 2: half of the image unread', [1, 12, 12, 3], [3, 3, 3, 4], [2, 2], 2, [2, 2]],
  ['window as large as the image', [2, 5, 4, 6], [5, 4, 6, 10], [1, 1], 'valid'],
  ['window larger than the image', [2, 3, 2, 4], [7, 5, 4, 3], [1, 1], 'same'],
  ['9x9: more than 64 segments with dilation', [1, 20, 21, 2], [9, 9, 2, 3], [1, 1], 8, [2, 2]],
  ['explicit uneven pad', [2, 6, 9, 3], [3, 3, 3, 5], [1, 1], [[0, 0], [2, 1], [0, 3], [0, 0]]],
  ['one pixel, one channel', [1, 1, 1, 1], [1, 1, 1, 1], [1, 1], 'same'],
  ['narrow image: one column', [2, 40, 1, 3], [3, 3, 3, 5], [1, 1], 'same'],
  ['3 output channels', [2, 16, 16, 20], [3, 3, 20, 3], [1, 1], 'same'],
  ['1 output channel, 4x4', [2, 9, 8, 18], [4, 4, 18, 1], [1, 1], 1],
  ['4 output channels, valid, dilation 2', [2, 12, 11, 9], [3, 3, 9, 4], [1, 1], 'valid', [2, 2]],
  ['3 output channels, more pad than the window', [1, 5, 7, 8], [3, 3, 8, 3], [1, 1], 4],
  ['3 output channels, window larger than the image', [2, 3, 2, 10], [5, 5, 10, 3], [1, 1], 'same'],
  ['3 input channels', [2, 40, 39, 3], [3, 3, 3, 20], [1, 1], 'same'],
  ['3 input channels, 4x4 stride 2', [2, 16, 18, 3], [4, 4, 3, 33], [2, 2], 1],
  ['2 input channels, 3x2 stride 3x2, dilation 1x2', [3, 14, 13, 2], [3, 2, 2, 9], [3, 2], 'valid', [1, 2]],
  ['1 input channel, stride 2: rows that nothing reads', [1, 12, 10, 1], [3, 3, 1, 17], [2, 2], 'valid'],
  ['Winograd: one vector of channels and one more', [1, 8, 9, 16], [3, 3, 16, 17], [1, 1], 'same'],
  ['Winograd: channels one short of vectors', [3, 7, 8, 15], [3, 3, 15, 31], [1, 1], 'same'],
  ['Winograd: several blocks of channels, few tiles', [1, 9, 6, 130], [3, 3, 130, 145], [1, 1], 'same'],
  ['Winograd: several blocks of tiles', [2, 31, 33, 34], [3, 3, 34, 35], [1, 1], 'same'],
  ['Winograd: uneven pad, more than the window', [2, 10, 11, 13], [3, 3, 13, 14], [1, 1], [[0, 0], [3, 1], [0, 4], [0, 0]]],
  ['Winograd: valid, a single row of tiles', [4, 5, 18, 12], [3, 3, 12, 48], [1, 1], 'valid'],
]; // biome-ignore format: a table

describe.each(targets)('convolutions on %s', (target) => {
  beforeAll(() => void setTarget(target));
  afterAll(() => void setTarget(originalTarget));

  for (const [name, x, filter, strides, pad, dilations] of CASES) {
    const info = convolutionInfo(x, filter, { strides, pad, dataFormat: 'NHWC', dilations: dilations ?? 1 });
    for (const kind of ['forward', 'input gradient', 'filter gradient'] as const) {
      test(`${name}: ${kind}`, () => expect(worstError(info, kind)).toBeLessThanOrEqual(1));
    }
  }

  test('the same bits with 1, 2 and 5 threads', () => {
    for (const stride of [1, 2]) {
      const info = convolutionInfo([3, 33, 31, 20], [3, 3, 20, 70], {
        strides: stride,
        pad: 'same',
        dataFormat: 'NHWC',
      });
      for (const kind of ['forward', 'input gradient', 'filter gradient'] as const) {
        const [first, second] = operands(info, kind);
        const shape = {
          forward: info.outShape,
          'input gradient': info.inShape,
          'filter gradient': info.filterShape,
        }[kind];
        const bytes = [1, 2, 5].map((threads) => {
          setThreads(threads);
          const out = run(info, kind, first, second, tf.util.sizeFromShape(shape));
          return Buffer.from(out.buffer, out.byteOffset, out.byteLength);
        });
        setThreads(originalThreads);
        expect(bytes.map((other) => other.equals(bytes[0] as Buffer))).toEqual([true, true, true]);
      }
    }
  });
});

describe('tf convolutions on native', () => {
  beforeAll(async () => void (await tf.setBackend('native')));

  test('2x2 over 2x3 by hand', () => {
    // [1 2 3; 4 5 6] with [1 10; 100 1000]: 1+20+400+5000 = 5421, 2+30+500+6000 = 6532
    const x = tf.tensor4d([1, 2, 3, 4, 5, 6], [1, 2, 3, 1]);
    const filter = tf.tensor4d([1, 10, 100, 1000], [2, 2, 1, 1]);
    expect([...tf.conv2d(x, filter, 1, 'valid').dataSync()]).toEqual([5421, 6532]);
  });

  test('gradients through tf.grads equal those of the cpu backend', async () => {
    const x = values(2 * 9 * 8 * 5, 1);
    const w = values(3 * 3 * 5 * 6, 2);
    const grads = (backend: string) => {
      tf.setBackend(backend);
      const loss = (a: tf.Tensor, b: tf.Tensor) =>
        tf
          .conv2d(a as tf.Tensor4D, b as tf.Tensor4D, 2, 'same')
          .square()
          .sum();
      return tf
        .grads(loss)([tf.tensor4d(x, [2, 9, 8, 5]), tf.tensor4d(w, [3, 3, 5, 6])])
        .map((g) => g.arraySync());
    };
    const expected = grads('cpu');
    const got = grads('native');
    for (const i of [0, 1]) {
      const difference = tf.sub(
        tf.tensor4d(got[i] as number[][][][]),
        tf.tensor4d(expected[i] as number[][][][]),
      );
      expect(difference.abs().max().dataSync()[0]).toBeLessThan(1e-4);
    }
  });

  test.each(['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu'] as const)(
    'fused bias and %s',
    (activation) => {
      const x = tf.tensor4d(values(2 * 7 * 9 * 4, 1), [2, 7, 9, 4]);
      const filter = tf.tensor4d(values(3 * 3 * 4 * 35, 2), [3, 3, 4, 35]);
      const bias = tf.tensor1d(values(35, 3));
      const y = tf.add(tf.conv2d(x, filter, 1, 'same'), bias);
      const { relu, relu6, elu, sigmoid } = tf;
      const expected =
        activation === 'linear'
          ? y
          : activation === 'leakyrelu'
            ? tf.leakyRelu(y, 0.3)
            : { relu, relu6, elu, sigmoid }[activation](y);
      const fused = tf.fused.conv2d({
        x,
        filter,
        strides: 1,
        pad: 'same',
        bias,
        activation,
        leakyreluAlpha: 0.3,
      });
      expect(tf.sub(fused, expected).abs().max().dataSync()[0]).toBeLessThan(2e-6);
    },
  );

  test('NCHW and int32 go to the cpu kernel', () => {
    const x = tf.tensor4d([1, 2, 3, 4, 5, 6], [1, 1, 2, 3]);
    const filter = tf.tensor4d([1, 10, 100, 1000], [2, 2, 1, 1]);
    expect([...tf.conv2d(x, filter, 1, 'valid', 'NCHW').dataSync()]).toEqual([5421, 6532]);
  });

  test('conv2dTranspose', () => {
    // Each input value times the filter, two apart: [1 2] with [1 10 100] at stride 2 = [1 10 100+2
    // 20 200]
    const y = tf.conv2dTranspose(
      tf.tensor4d([1, 2], [1, 1, 2, 1]),
      tf.tensor4d([1, 10, 100], [1, 3, 1, 1]),
      [1, 1, 5, 1],
      [1, 2],
      'valid',
    );
    expect([...y.dataSync()]).toEqual([1, 10, 102, 20, 200]);
  });

  test('conv2dTranspose of a picture larger than its output implies, as the cpu kernel takes it', () => {
    const y = tf.conv2dTranspose(
      tf.ones<tf.Rank.R4>([1, 8, 8, 2]),
      tf.ones([8, 8, 2, 2]),
      [1, 4, 4, 2],
      [1, 1],
      'same',
    );
    expect(y.shape).toEqual([1, 4, 4, 2]);
    y.dispose();
  });

  test('empty batch', () => {
    expect(tf.conv2d(tf.zeros<tf.Rank.R4>([0, 4, 4, 2]), tf.zeros([3, 3, 2, 5]), 1, 'same').shape).toEqual([
      0, 4, 4, 5,
    ]);
  });
});
