import { ShapeError } from '@easel/core';
import { beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { FAST_BACKEND } from '../testing/backends.js';
import { GumbelQuantizer } from './gumbel-quantizer.js';

beforeAll(async () => void (await tf.setBackend(FAST_BACKEND)));

/** One channel, two codes of length 1: logits z and −z, codes 3 and 5. */
function small(): GumbelQuantizer {
  const quantizer = new GumbelQuantizer({ inputChannels: 1, embedDim: 1, nEmbed: 2 });
  const weights = quantizer.namedWeights();
  tf.tidy(() => {
    weights.get('proj.kernel')?.assign(tf.tensor4d([1, -1], [1, 1, 1, 2]));
    weights.get('embed')?.assign(tf.tensor2d([3, 5], [2, 1]));
  });
  return quantizer;
}

test('by hand: mixture, single code, divergence', () => {
  const quantizer = small();
  tf.tidy(() => {
    const z = tf.tensor4d([0.5], [1, 1, 1, 1]);
    const p = 1 / (1 + Math.exp(-1)); // softmax of (0.5, −0.5)
    const soft = quantizer.quantize(z, { hard: false });
    expect(soft.quantized.dataSync()[0]).toBeCloseTo(3 * p + 5 * (1 - p), 5);
    expect(soft.divergence.dataSync()[0]).toBeCloseTo(
      5e-4 * (p * Math.log(2 * p) + (1 - p) * Math.log(2 * (1 - p))),
      8,
    );
    const hard = quantizer.quantize(z);
    expect([hard.quantized.dataSync()[0], hard.indices.dataSync()[0]]).toEqual([3, 0]);
    const noise = tf.tensor4d([0, 2], [1, 1, 1, 2]);
    const drawn = quantizer.quantize(z, { noise });
    expect([drawn.quantized.dataSync()[0], drawn.indices.dataSync()[0]]).toEqual([5, 1]);
    expect(quantizer.call(z).dataSync()[0]).toBe(3);
  });
  quantizer.dispose();
});

test('a single code has the gradient of the mixture; noise of another shape is refused', () => {
  const quantizer = small();
  tf.tidy(() => {
    const z = tf.tensor4d([0.3], [1, 1, 1, 1]);
    const gradient = (hard: boolean) =>
      tf.grad((x) => tf.sum(quantizer.quantize(x as tf.Tensor4D, { hard, temperature: 0.5 }).quantized))(z);
    expect(gradient(true).dataSync()[0]).toBeCloseTo(gradient(false).dataSync()[0] as number, 6);
    expect(() => quantizer.quantize(z, { noise: tf.zeros([1, 1, 1, 3]) })).toThrow(ShapeError);
  });
  quantizer.dispose();
});
