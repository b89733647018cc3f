import { beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { DistributedShampoo, type GraftType } from './shampoo.js';

// The original's own runs and shapes: packages/conformance, kind `optimizers`.

beforeAll(async () => {
  await tf.setBackend('cpu');
});

test('two steps of one number by hand: sgd graft, a 1×1 statistic', async () => {
  // β1 = 0.5, β2 = 0.5, g = 2 then 4, rate 0.1, preconditioned from the second update on. S:
  // 0.5·1e-6 + 0.5·4 = 2. First update: D = 0.5·2 = 1, p = 1 − 0.1·1 = 0.9. P = S^(−1/2).
  // Second: u_s = 4·P with the length of g: 4; M = 0.5·(0.5·2) + 0.5·4 = 2.5; p = 0.9 − 0.25 =
  // 0.65.
  const optimizer = new DistributedShampoo({
    schedule: () => 0.1,
    beta1: 0.5,
    beta2: 0.5,
    graftType: 'sgd',
    startPreconditioningStep: 1,
    preconditioningComputeSteps: 1,
  });
  const p = tf.variable(tf.tensor1d([1]));
  await optimizer.apply(new Map([['p', p]]), new Map([['p', tf.tensor1d([2])]]));
  expect(p.dataSync()[0]).toBeCloseTo(0.9, 6);
  expect((optimizer.state().get('S0.p') as tf.Tensor).dataSync()[0]).toBeCloseTo(2, 5);
  expect((optimizer.state().get('P0.p') as tf.Tensor).dataSync()[0]).toBeCloseTo(Math.SQRT1_2, 5);
  await optimizer.apply(new Map([['p', p]]), new Map([['p', tf.tensor1d([4])]]));
  expect(p.dataSync()[0]).toBeCloseTo(0.65, 6);
});

test('settings that make no sense are refused by name', () => {
  const schedule = () => 0.1;
  expect(() => new DistributedShampoo({ schedule, beta1: 1 })).toThrow(/beta1 from 0 to below 1, got 1/);
  expect(() => new DistributedShampoo({ schedule, blockSize: 0 })).toThrow(/blockSize/);
  expect(() => new DistributedShampoo({ schedule, graftType: 'adam' as GraftType })).toThrow(
    /graftType one of/,
  );
});
