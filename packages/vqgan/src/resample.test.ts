import { ShapeError } from '@easel/core';
import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { FAST_BACKEND } from '../testing/backends.js';
import { averagePool2x, Downsample, Upsample } from './resample.js';

beforeAll(async () => void (await tf.setBackend(FAST_BACKEND)));

/** 1 … height·width as a picture of one channel. */
const ramp = (height: number, width: number): tf.Tensor4D =>
  tf.tensor4d(
    Array.from({ length: height * width }, (_, i) => i + 1),
    [1, height, width, 1],
  );

describe('averagePool2x', () => {
  test('[1,3,5,1]: means of the 2×2 fields, the odd row and column dropped', () => {
    // 1 2 3 4 5 / 6 7 8 9 10: (1+2+6+7)/4 = 4, (3+4+8+9)/4 = 6
    const y = averagePool2x(ramp(3, 5));
    expect(y.shape).toEqual([1, 1, 2, 1]);
    expect([...y.dataSync()]).toEqual([4, 6]);
  });

  test('channels and batch stay apart, and the gradient is a quarter each', () => {
    const x = tf.randomUniform([2, 4, 6, 3]) as tf.Tensor4D;
    const expected = tf.avgPool(x, 2, 2, 'valid');
    expect(tf.max(tf.abs(tf.sub(averagePool2x(x), expected))).dataSync()[0]).toBeLessThan(1e-6);
    const grad = tf.grad((picture) => averagePool2x(picture as tf.Tensor4D))(x);
    expect([...new Set(grad.dataSync())]).toEqual([0.25]);
  });
});

describe('Downsample', () => {
  /** A kernel that picks the pixel at one of the 3×3 places. */
  function picking(place: number): Downsample {
    const layer = new Downsample(1, true);
    const kernel = new Float32Array(9);
    kernel[place] = 1;
    layer
      .namedWeights()
      .get('conv.kernel')
      ?.assign(tf.tensor4d(kernel, [3, 3, 1, 1]));
    return layer;
  }

  test('the field of an output begins at the even pixel: nothing is padded above or to the left', () => {
    expect([...picking(0).call(ramp(4, 4)).dataSync()]).toEqual([1, 3, 9, 11]);
  });

  test('zeros below and to the right', () => {
    expect([...picking(8).call(ramp(4, 4)).dataSync()]).toEqual([11, 0, 0, 0]);
  });

  test('odd sides are rounded down, and their last row is still seen', () => {
    const y = picking(8).call(ramp(5, 3));
    expect(y.shape).toEqual([1, 2, 1, 1]);
    expect([...y.dataSync()]).toEqual([9, 15]);
  });

  test.each([true, false])('a side of 1 cannot be halved (convolution: %s)', (withConv) => {
    expect(() => new Downsample(1, withConv).call(ramp(1, 4))).toThrow(ShapeError);
  });
});

describe('Upsample', () => {
  test('without convolution each pixel becomes 2×2', () => {
    const y = new Upsample(1, false).call(ramp(1, 2));
    expect(y.shape).toEqual([1, 2, 4, 1]);
    expect([...y.dataSync()]).toEqual([1, 1, 2, 2, 1, 1, 2, 2]);
  });
});
