import { ConfigError, prngKey, ShapeError } from '@easel/core';
import { beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { FAST_BACKEND } from '../../testing/backends.js';
import { initializeDiscriminator, PatchDiscriminator } from './discriminator.js';

// Logits, gradients and statistics beside taming's are cases of the conformance runner.

beforeAll(async () => void (await tf.setBackend(FAST_BACKEND)));

test('norms: by the batch in training, by what they gathered else', async () => {
  const pictures = tf.randomUniform([3, 16, 16, 3], 0, 1, 'float32', 7) as tf.Tensor4D;
  const model = new PatchDiscriminator({ width: 2, layers: 1 });
  initializeDiscriminator(model, prngKey(1));
  const statistic = (name: string) => [...(model.namedWeights().get(name) as tf.Variable).dataSync()];
  tf.tidy(() => {
    const plain = model.judge(pictures, false).dataSync();
    expect([...model.judge(pictures, false).dataSync()]).toEqual([...plain]);
    expect(statistic('norm1.running_mean').every((x) => x === 0)).toBe(true);
    model.judge(pictures, true);
    expect(statistic('norm1.running_mean').some((x) => x !== 0)).toBe(true);
    expect(statistic('norm1.running_var').every((x) => x > 0 && x < 1)).toBe(true); // 0.9 + 0.1 · a small variance
    expect([...model.judge(pictures, false).dataSync()]).not.toEqual([...plain]);
  });
  model.dispose();

  const act = new PatchDiscriminator({ width: 2, layers: 1, actNorm: true });
  initializeDiscriminator(act, prngKey(1));
  expect(() => act.judge(pictures, true)).toThrow(/await start\(pictures\) before/);
  const before = tf.memory().numTensors;
  await act.start(() => pictures);
  const after = [...(act.namedWeights().get('norm1.loc') as tf.Variable).dataSync()];
  await act.start(() => tf.mul(pictures, 0.1)); // only the first batch sets it
  expect(tf.memory().numTensors).toBe(before);
  expect([...(act.namedWeights().get('norm1.loc') as tf.Variable).dataSync()]).toEqual(after);
  expect((act.namedWeights().get('norm1.initialized') as tf.Variable).dataSync()[0]).toBe(1);
  tf.tidy(() => expect(act.judge(pictures, true).shape).toEqual([3, 6, 6, 1]));
  // A checkpoint's values are taken as they are; without them it starts anew.
  tf.tidy(() => (act.namedWeights().get('norm1.initialized') as tf.Variable).assign(tf.scalar(0)));
  expect(() => act.judge(pictures, true)).toThrow(/await start/);
  tf.tidy(() => (act.namedWeights().get('norm1.initialized') as tf.Variable).assign(tf.scalar(1)));
  await act.start(() => {
    throw new Error('nothing is to be looked at');
  });
  act.dispose();
  pictures.dispose();
});

test('initial weights: spread of kernels and scales, biases where they are drawn; a key decides', () => {
  const model = new PatchDiscriminator({ width: 16, layers: 2 });
  initializeDiscriminator(model, prngKey(3));
  const weights = model.namedWeights();
  const values = (name: string) => [...(weights.get(name) as tf.Variable).dataSync()];
  const deviation = (xs: number[], mean: number) =>
    Math.sqrt(xs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / xs.length);
  expect(deviation(values('conv1.kernel'), 0)).toBeCloseTo(0.02, 3);
  expect(deviation(values('norm2.scale'), 1)).toBeLessThan(0.03);
  expect(values('norm2.scale').some((x) => x !== 1)).toBe(true);
  expect(values('norm2.bias').every((x) => x === 0)).toBe(true);
  expect(Math.max(...values('conv0.bias').map(Math.abs))).toBeLessThanOrEqual(1 / Math.sqrt(48));
  expect(values('norm1.running_var').every((x) => x === 1)).toBe(true);
  const other = new PatchDiscriminator({ width: 16, layers: 2 });
  initializeDiscriminator(other, prngKey(3));
  expect(values('conv2.kernel')).toEqual([
    ...(other.namedWeights().get('conv2.kernel') as tf.Variable).dataSync(),
  ]);
  model.dispose();
  other.dispose();
});

test('a frame of 256×256 has 30×30 patches; too small pictures and odd settings are refused', () => {
  const model = new PatchDiscriminator({ width: 2 });
  tf.tidy(() => {
    expect(model.judge(tf.zeros([1, 256, 256, 3]), false).shape).toEqual([1, 30, 30, 1]);
    expect(() => model.judge(tf.zeros([1, 8, 8, 3]), false)).toThrow(ShapeError);
  });
  model.dispose();
  expect(() => new PatchDiscriminator({ layers: 0 })).toThrow(ConfigError);
});
