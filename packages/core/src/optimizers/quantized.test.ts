import { beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { dequantize, quantize, unpackBytes } from './quantized.js';

// The original's own bytes: packages/conformance, kind `optimizers`.

beforeAll(async () => {
  await tf.setBackend('cpu');
});

test('every byte survives packing, at every place', () => {
  tf.tidy(() => {
    const all = Float32Array.from({ length: 255 }, (_, i) => i - 127);
    for (const shift of [0, 1, 2, 3]) {
      const x = tf.concat([tf.zeros([shift, 1]), tf.tensor2d(all, [255, 1])]);
      const { packed } = quantize(x); // the bucket is 1
      expect([...unpackBytes(packed, x.shape).dataSync()].slice(shift)).toEqual([...all]);
    }
  });
});

test('a column of zeros stays zeros', () => {
  tf.tidy(() => {
    const x = tf.tensor2d([0, 2, 0, -1], [2, 2]);
    expect([...dequantize(quantize(x), [2, 2]).dataSync()].map(Math.fround)).toEqual(
      [0, 2, 0, (-64 * 2) / 127].map(Math.fround),
    );
  });
});
