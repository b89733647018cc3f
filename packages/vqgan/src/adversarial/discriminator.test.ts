import { ConfigError, prngKey, ShapeError, valueAndGrads, type WeightRule } from '@easel/core';
import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { FAST_BACKEND } from '../testing/backends.js';
import { type GoldenFile, hashedUniform, largestDifference, product } from '../testing/golden-case.js';
import { channelsLast, fillByFormula, readTamingLoss, theirLayout, thinned } from '../testing/taming-loss.js';
import { initializeDiscriminator, PatchDiscriminator } from './discriminator.js';
import { discriminatorRules } from './weights.js';

beforeAll(async () => void (await tf.setBackend(FAST_BACKEND)));

const CASES = ['batchnorm_2', 'batchnorm_3', 'batchnorm_5', 'actnorm_3'];

function goldenDiscriminator(golden: GoldenFile): PatchDiscriminator {
  const { ndf, n_layers: layers, use_actnorm: actNorm, seed } = golden.metadata as Record<string, number>;
  const model = new PatchDiscriminator({
    width: ndf as number,
    layers: layers as number,
    actNorm: Boolean(actNorm),
  });
  const weights = model.namedWeights();
  fillByFormula(weights, discriminatorRules(weights.keys()), seed as number, 3);
  return model;
}

/** A recorded input, or, where it is too large to be stored, the one made by the formula. */
function pictures(golden: GoldenFile, name: string, formulaName: string): tf.Tensor4D {
  if (golden.names.includes(name)) return channelsLast(golden.get(name));
  const shape = [2, 3, 96, 96];
  const data = Float32Array.from(hashedUniform(formulaName, product(shape), golden.metadata.seed as number));
  return channelsLast({ shape, data });
}

describe('PatchDiscriminator as taming’s', () => {
  test.each(CASES)('%s: logits before, in and after training, gradients, statistics', (name) => {
    const golden = readTamingLoss(`discriminator_${name}`);
    const model = goldenDiscriminator(golden);
    const close = (what: string, actual: tf.Tensor, tolerance = 1e-5): void => {
      const { data } = golden.get(what);
      const ours =
        actual.rank === 4 ? theirLayout(actual, { source: '', transpose: [0, 2, 3, 1] }) : actual.dataSync();
      const found = largestDifference(thinned(ours as Float32Array, data.length), data);
      if (!(found <= tolerance)) throw new Error(`${what}: off by ${found}`);
    };
    tf.tidy(() => {
      const x = tf.variable(pictures(golden, 'input', 'disc_x')) as unknown as tf.Tensor4D;
      close('eval_logits_before', model.judge(x, false));
      const cotangent = channelsLast(golden.get('cotangent'));
      const variables = model.parameters();
      const rules = discriminatorRules(model.namedWeights().keys());
      const { outputs, grads } = valueAndGrads(
        () => {
          const logits = model.judge(x, true);
          return { loss: tf.sum(tf.mul(logits, cotangent)) as tf.Scalar, logits };
        },
        new Map([...variables, ['x', x as unknown as tf.Variable]]),
      );
      close('train_logits', outputs.logits as tf.Tensor);
      close('grad_input', grads.get('x') as tf.Tensor);
      let compared = 0;
      for (const [weight, grad] of grads) {
        if (weight === 'x') continue;
        const rule = rules.get(weight) as WeightRule;
        const { data } = golden.get(`grad/${rule.source}`);
        const found = largestDifference(thinned(theirLayout(grad, rule), data.length), data);
        if (!(found <= 2e-5)) throw new Error(`gradient of ${weight}: off by ${found}`);
        compared++;
      }
      expect(compared).toBe(variables.size);
      close('train_logits2', model.judge(pictures(golden, 'input2', 'disc_x2'), true));
      for (const [weight, variable] of model.namedWeights()) {
        const rule = rules.get(weight) as WeightRule;
        if (!golden.names.includes(`after/${rule.source}`)) continue;
        const found = largestDifference(theirLayout(variable, rule), golden.get(`after/${rule.source}`).data);
        if (!(found <= 1e-5)) throw new Error(`${weight} after: off by ${found}`);
      }
      close('eval_logits_after', model.judge(x, false));
      (x as unknown as tf.Variable).dispose();
    });
    model.dispose();
  });
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
