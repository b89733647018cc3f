import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { nearestCodes, Quantizer } from './quantizer.js';
import { FAST_BACKEND } from './testing/backends.js';
import { readGolden, toTensor } from './testing/golden-case.js';

beforeAll(async () => void (await tf.setBackend(FAST_BACKEND)));

describe('nearestCodes', () => {
  const codes = tf.tensor2d([
    [1, 0],
    [0, 3],
    [1, 0],
    [-1, -1],
  ]);

  test('Euclidean distance, not the largest product', () => {
    // To (0.6, 1.1): squared distances 1.37, 3.97, 1.37, 6.97, though the product with (0, 3) is the largest.
    expect([...nearestCodes(tf.tensor2d([[0.6, 1.1]]), codes).dataSync()]).toEqual([0]);
  });

  test('the first of equals', () => {
    const rows = tf.tensor2d([
      [1, 0],
      [0, 2],
      [-5, -5],
    ]);
    const indices = nearestCodes(rows, codes);
    expect([...indices.dataSync()]).toEqual([0, 1, 3]);
    expect(indices.dtype).toBe('int32');
  });
});

describe('Quantizer', () => {
  test("chooses taming's codes, row by row", () => {
    const golden = readGolden('quantizers/quantizers.safetensors');
    const quantizer = new Quantizer(10, 6);
    quantizer.codes.assign(toTensor(golden.get('codebook')));
    const latents = tf.transpose(toTensor(golden.get('z')), [0, 2, 3, 1]) as tf.Tensor4D; // NCHW → NHWC
    expect(quantizer.indices(latents).shape).toEqual([2, 12]);
    expect([...quantizer.indices(latents).dataSync()]).toEqual([...golden.get('legacy/indices').data]);
    const expected = tf.transpose(toTensor(golden.get('legacy/z_q')), [0, 2, 3, 1]);
    expect(tf.max(tf.abs(tf.sub(quantizer.call(latents), expected))).dataSync()[0]).toBeLessThan(1e-6);
  });
});
