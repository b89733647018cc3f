import { prngKey } from '@easel/core';
import { beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { FAST_BACKEND } from '../testing/backends.js';
import { largestDifference } from '../testing/golden-case.js';
import { parseVqganConfig } from './config.js';
import { initializeVqgan } from './initialize.js';
import { Vqgan } from './model.js';

beforeAll(async () => void (await tf.setBackend(FAST_BACKEND)));

const json = {
  ch: 16,
  norm_groups: 8,
  ch_mult: [1, 2],
  num_res_blocks: 1,
  attn_resolutions: [],
  resolution: 8,
  z_channels: 8,
  embed_dim: 4,
  n_embed: 64,
};

function fresh(settings: object, seed: number, options = {}): Map<string, Float32Array> {
  const model = new Vqgan(parseVqganConfig({ ...json, ...settings }), options);
  initializeVqgan(model, prngKey(seed));
  const values = [...model.namedWeights()].map(([name, weight]): [string, Float32Array] => [
    name,
    weight.dataSync() as Float32Array,
  ]);
  return new Map(values);
}

test('kernels have variance 1 / fan-in within two standard deviations, biases 0, scales 1', () => {
  const weights = fresh({}, 1);
  for (const [name, values] of weights) {
    if (name.endsWith('.bias')) expect([name, values.every((v) => v === 0)]).toEqual([name, true]);
    if (name.endsWith('.scale')) expect([name, values.every((v) => v === 1)]).toEqual([name, true]);
  }
  const kernel = weights.get('encoder.mid.block_1.conv1.kernel') as Float32Array; // [3, 3, 32, 32]
  const std = Math.sqrt(kernel.reduce((sum, value) => sum + value * value, 0) / kernel.length);
  const expected = Math.sqrt(1 / (9 * 32));
  expect(Math.abs(std / expected - 1)).toBeLessThan(0.03); // 9,216 draws
  expect(Math.max(...kernel.map(Math.abs))).toBeLessThan((2 / 0.8796) * expected);
});

test('codes are uniform in ±1/n, or of length 1', () => {
  const name = 'quantize.embedding.embedding';
  const codes = fresh({}, 1, { decoderOnly: true }).get(name) as Float32Array;
  expect(Math.max(...codes.map(Math.abs))).toBeLessThanOrEqual(1 / 64);
  expect(Math.max(...codes)).toBeGreaterThan(0.9 / 64);
  const unit = fresh({ codebook_norm: 'l2' }, 1, { decoderOnly: true }).get(name) as Float32Array;
  const lengths = Array.from({ length: 64 }, (_, i) => Math.hypot(...unit.slice(4 * i, 4 * i + 4)));
  expect(largestDifference(lengths, new Array(64).fill(1))).toBeLessThan(1e-6);
});

test('a key fixes every weight, whatever else is built; another key changes every kernel', () => {
  const whole = fresh({}, 1);
  for (const [name, values] of fresh({}, 1, { decoderOnly: true })) expect(whole.get(name)).toEqual(values);
  const other = fresh({}, 2);
  const kernels = [...whole].filter(([name]) => name.endsWith('.kernel'));
  expect(kernels.filter(([name, values]) => values[0] === other.get(name)?.[0])).toEqual([]);
  expect(new Set(kernels.map(([, values]) => values[0])).size).toBe(kernels.length);
});
