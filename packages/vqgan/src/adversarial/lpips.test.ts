import { ConfigError, ShapeError, valueAndGrads } from '@easel/core';
import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { FAST_BACKEND } from '../testing/backends.js';
import { type GoldenFile, largestDifference } from '../testing/golden-case.js';
import { channelsLast, fillByFormula, readTamingLoss } from '../testing/taming-loss.js';
import { Lpips, VGG16_WIDTHS } from './lpips.js';
import { lpipsRules } from './weights.js';

beforeAll(async () => void (await tf.setBackend(FAST_BACKEND)));

function goldenLpips(golden: GoldenFile): Lpips {
  const divide = 64 / (golden.metadata.first_width as number);
  const lpips = new Lpips(VGG16_WIDTHS.map((width) => width / divide));
  const weights = lpips.namedWeights();
  fillByFormula(weights, lpipsRules(weights.keys(), 'taming'), golden.metadata.seed as number, 6);
  return lpips;
}

/** Distance, parts and gradients of one recording. */
function compare(name: string): Lpips {
  const golden = readTamingLoss(name);
  const lpips = goldenLpips(golden);
  tf.tidy(() => {
    const [x, y] = [channelsLast(golden.get('input')), channelsLast(golden.get('target'))];
    const value = lpips.distance(x, y);
    expect(largestDifference(value.dataSync(), golden.get('value').data)).toBeLessThan(1e-5);
    lpips.parts(x, y).forEach((part, k) => {
      expect(largestDifference(part.dataSync(), golden.get(`layer${k}`).data)).toBeLessThan(1e-5);
    });
    const variables = new Map([
      ['input', tf.variable(x) as tf.Variable],
      ['target', tf.variable(y) as tf.Variable],
    ]);
    const [a, b] = [...variables.values()] as unknown as [tf.Tensor4D, tf.Tensor4D];
    const { grads } = valueAndGrads(() => tf.sum(lpips.distance(a, b)) as tf.Scalar, variables);
    for (const side of ['input', 'target']) {
      const expected = channelsLast(golden.get(`grad_${side}`)).dataSync();
      expect(largestDifference((grads.get(side) as tf.Tensor).dataSync(), expected)).toBeLessThan(1e-6);
    }
    tf.dispose([...variables.values()]);
  });
  return lpips;
}

describe('Lpips as taming’s', () => {
  test('an eighth of the widths: features, parts, distance, gradients', () => {
    const golden = readTamingLoss('lpips_width_8');
    const lpips = compare('lpips_width_8');
    tf.tidy(() => {
      const features = lpips.features(channelsLast(golden.get('input')));
      ['relu2_2', 'relu3_3', 'relu4_3', 'relu5_3'].forEach((tap, k) => {
        const expected = channelsLast(golden.get(tap)).dataSync();
        expect(largestDifference((features[k + 1] as tf.Tensor).dataSync(), expected)).toBeLessThan(2e-5);
      });
      const x = channelsLast(golden.get('input'));
      expect([...lpips.distance(x, x).dataSync()]).toEqual([0, 0]);
    });
    lpips.dispose();
  });

  test('full widths', () => void compare('lpips_width_64').dispose());

  test('with the dropout that the original has on while it trains', () => {
    const golden = readTamingLoss('lpips_dropout');
    const lpips = goldenLpips(golden);
    tf.tidy(() => {
      const keep = [0, 1, 2, 3, 4].map((k) => channelsLast(golden.get(`mask${k}`)));
      const [x, y] = [channelsLast(golden.get('input')), channelsLast(golden.get('target'))];
      const value = lpips.distance(x, y, { keep });
      expect(largestDifference(value.dataSync(), golden.get('value').data)).toBeLessThan(1e-5);
      expect(largestDifference(lpips.distance(x, y).dataSync(), golden.get('value').data)).toBeGreaterThan(
        1e-4,
      );
    });
    lpips.dispose();
  });
});

test('a place whose features are all 0 has a gradient: of a constant picture it is finite', () => {
  const lpips = new Lpips([2, 2, 2, 2, 2]); // weights are zeros, and so are all features
  const x = tf.variable(tf.zeros([1, 16, 16, 3])) as tf.Variable;
  const { grads } = valueAndGrads(
    () => tf.sum(lpips.distance(x as unknown as tf.Tensor4D, tf.ones([1, 16, 16, 3]))) as tf.Scalar,
    new Map([['x', x]]),
  );
  expect((grads.get('x') as tf.Tensor).dataSync().every((value) => value === 0)).toBe(true);
  tf.dispose([x, ...grads.values()]);
  lpips.dispose();
});

test('refuses other widths, small pictures and pictures of two shapes; leaves no tensor', () => {
  expect(() => new Lpips([1, 2, 3])).toThrow(ConfigError);
  const lpips = new Lpips([2, 2, 2, 2, 2]);
  const before = tf.memory().numTensors;
  tf.tidy(() => {
    expect(() => lpips.features(tf.zeros([1, 8, 16, 3]))).toThrow(/at least 16×16/);
    expect(() => lpips.distance(tf.zeros([1, 16, 16, 3]), tf.zeros([1, 16, 32, 3]))).toThrow(ShapeError);
    expect(() => lpips.call(tf.zeros([1, 16, 16, 3]))).toThrow(/two inputs/);
    expect(lpips.call([tf.zeros([2, 16, 16, 3]), tf.ones([2, 16, 16, 3])]).shape).toEqual([2]);
  });
  expect(tf.memory().numTensors).toBe(before);
  lpips.dispose();
});
