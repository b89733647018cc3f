import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { adaptiveWeight, discriminatorFactor, discriminatorLoss } from './gan-losses.js';

// Gradients and extreme logits beside taming's are cases of the conformance runner.

test('hinge: real logits below 1 and fake ones above −1 cost', () => {
  // real 2 → 0, 0 → 1; fake −3 → 0, 1 → 2. ½·(½ + 1).
  const loss = discriminatorLoss(tf.tensor1d([2, 0]), tf.tensor1d([-3, 1]), 'hinge');
  expect(loss.dataSync()[0]).toBeCloseTo(0.75, 6);
});

test('vanilla: ½·(ln(1 + e^−real) + ln(1 + e^fake))', () => {
  const loss = discriminatorLoss(tf.tensor1d([1]), tf.tensor1d([-2]), 'vanilla');
  expect(loss.dataSync()[0]).toBeCloseTo((Math.log(1 + Math.exp(-1)) + Math.log(1 + Math.exp(-2))) / 2, 6);
});

test('discriminatorFactor: nothing before the start', () => {
  expect([9, 10, 11].map((step) => discriminatorFactor(0.5, step, 10))).toEqual([0, 0.5, 0.5]);
});

test('adaptiveWeight: a ratio, within bounds', () => {
  expect(adaptiveWeight(2, 0.9999)).toBeCloseTo(2, 12);
  expect(adaptiveWeight(0, 1)).toBe(0);
  expect(adaptiveWeight(10, 0)).toBe(1e4);
});
