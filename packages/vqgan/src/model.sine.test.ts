import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { FAST_BACKEND } from '../testing/backends.js';
import { goldenConfig, largestDifference, setWeights } from '../testing/golden-case.js';
import { Vqgan } from './model.js';

const { sin, sqrt } = Math;

// The originals' own numbers: packages/conformance, kind `vqgan`.

describe('conformance vector of a second implementation', () => {
  test('latents, tokens and pixels of weights by sine', async () => {
    await tf.setBackend(FAST_BACKEND);
    const { config } = goldenConfig('two_levels');
    const model = new Vqgan({ ...config, chMult: [1, 2], zChannels: 8, embedDim: 4, nEmbed: 16 });
    const rank = new Map([...model.namedWeights().keys()].sort().map((name, k) => [name, k]));
    setWeights(model, (path, shape) => {
      const k = rank.get(path.replaceAll('/', '.')) as number;
      const size = tf.util.sizeFromShape(shape);
      const [base, factor] = path.endsWith('/scale')
        ? [1, 0.2]
        : [0, path.endsWith('/kernel') ? 3 / sqrt(tf.util.sizeFromShape(shape.slice(0, -1))) : 1];
      const values = new Float32Array(size);
      for (let j = 0; j < size; j++) values[j] = base + factor * 0.5 * sin(12.9898 * (j + 1) + 1.3 * k);
      return values;
    });
    expect(rank.size).toBe(155);
    const pixels = tf.tensor4d(
      Float32Array.from({ length: 192 }, (_, i) => 0.5 + 0.5 * Math.sin(0.1 * i)),
      [1, 8, 8, 3],
    );
    const latents = model.encodeToLatent(pixels).dataSync();
    const near = (found: ArrayLike<number>, expected: number[]): void =>
      expect(largestDifference(found, expected)).toBeLessThan(1e-4);
    near(latents.slice(0, 4), [0.056121, -0.253637, -0.518596, -0.691955]);
    near(latents.slice(60, 64), [0.060673, -0.261983, -0.538366, -0.719657]);
    expect([...model.encode(pixels).dataSync()]).toEqual(new Array(16).fill(6));
    const codes = tf.tensor2d(
      Array.from({ length: 16 }, (_, i) => (5 * i + 3) % 16),
      [1, 16],
      'int32',
    );
    const drawn = model.decodeCode(codes);
    const values = drawn.dataSync();
    near(values.slice(0, 3), [-0.000679, -0.231365, -0.421186]);
    near(values.slice(189), [0.060698, -0.150251, -0.33466]);
    const { mean, variance } = tf.moments(drawn);
    near([mean.dataSync()[0] as number, Math.sqrt(variance.dataSync()[0] as number)], [-0.151844, 0.186419]);
  });
});
