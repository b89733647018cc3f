import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { largestDifference, toTensor } from '../testing/golden-case.js';
import { readTamingLoss } from '../testing/taming-loss.js';
import { adaptiveWeight, discriminatorFactor, discriminatorLoss } from './gan-losses.js';

const golden = readTamingLoss('gan_losses');

describe('discriminatorLoss as taming’s', () => {
  test.each(['hinge', 'vanilla'] as const)('%s, at extreme logits and kinks too', (kind) => {
    const [real, fake] = [toTensor(golden.get('real')), toTensor(golden.get('fake'))];
    const loss = discriminatorLoss(real, fake, kind);
    expect(largestDifference(loss.dataSync(), golden.get(kind).data)).toBeLessThan(1e-5);
    const [gradReal, gradFake] = tf.grads((r, f) => discriminatorLoss(r as tf.Tensor, f as tf.Tensor, kind))([
      real,
      fake,
    ]) as [tf.Tensor, tf.Tensor];
    expect(largestDifference(gradReal.dataSync(), golden.get(`${kind}_grad_real`).data)).toBeLessThan(1e-6);
    expect(largestDifference(gradFake.dataSync(), golden.get(`${kind}_grad_fake`).data)).toBeLessThan(1e-6);
  });
});

test('discriminatorFactor: the recorded table', () => {
  const table = golden.metadata.adopt_weight_table as [number, number, number, number][];
  expect(table.length).toBeGreaterThan(4);
  for (const [factor, step, start, result] of table)
    expect(discriminatorFactor(factor, step, start)).toBe(result);
});

test('adaptiveWeight: a ratio, within bounds', () => {
  expect(adaptiveWeight(2, 0.9999)).toBeCloseTo(2, 12);
  expect(adaptiveWeight(0, 1)).toBe(0);
  expect(adaptiveWeight(10, 0)).toBe(1e4);
});
