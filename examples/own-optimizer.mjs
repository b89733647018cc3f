// An optimizer of one's own, beside those of Easel: node own-optimizer.mjs
// Lion (Chen et al. 2023, arXiv:2302.06675) keeps one state tensor a variable where AdamW keeps two.

import { constantSchedule, Optimizer, selectBackend, valueAndGrads } from '@easel/core';
import * as tf from '@tensorflow/tfjs';

/**
 * u = sign(β₁·m + (1 − β₁)·g)        p ← p − learningRate·(u + weightDecay·p)        m ← β₂·m + (1 − β₂)·g
 *
 * State: `m.NAME`, of each variable's shape. It is saved and loaded by `state` and `loadState`.
 */
class Lion extends Optimizer {
  constructor({ beta1 = 0.9, beta2 = 0.99, weightDecay = 0, ...config }) {
    super(config);
    this.settings = { beta1, beta2, weightDecay };
  }

  /** Called inside tf.tidy. `at.gradientScale` clips the gradient, or refuses the update where it is NaN. */
  update(name, variable, gradient, at) {
    const { beta1, beta2, weightDecay } = this.settings;
    const m = this.slot('m', name, variable.shape);
    const g = tf.mul(gradient, at.gradientScale);
    const direction = tf.sign(tf.add(tf.mul(m, beta1), tf.mul(g, 1 - beta1)));
    const step = tf.mul(tf.add(direction, tf.mul(variable, weightDecay)), at.learningRate);
    this.assign(variable, tf.sub(variable, step), at);
    this.assign(m, tf.add(tf.mul(m, beta2), tf.mul(g, 1 - beta2)), at);
  }
}

const { name } = await selectBackend();
const optimizer = new Lion({ schedule: constantSchedule({ learningRate: 0.02, warmupSteps: 0 }) });
const weights = new Map([['w', tf.variable(tf.zeros([5]))]]);
const target = tf.tensor1d([1, -2, 3, -4, 5]);
let last = Number.NaN;
for (let step = 0; step < 600; step++) {
  const { value, grads } = valueAndGrads(() => tf.mean(tf.square(tf.sub(weights.get('w'), target))), weights);
  await optimizer.apply(weights, grads);
  [last] = await value.data();
  tf.dispose([value, ...grads.values()]);
}
console.log(`${name}: loss ${last.toFixed(4)} after ${optimizer.step} steps of Lion`);
