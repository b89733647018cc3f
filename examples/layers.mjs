// Layers of Easel in a tfjs model of one's own, trained by tfjs's own model.fit: node layers.mjs
// The model learns whether a row of eight numbers is sorted.

import { CompositeLayer, Dense, gelu, RmsNorm, selectBackend } from '@easel/core';
import * as tf from '@tensorflow/tfjs';

/** x + down(gelu(up(norm(x)))). Weights: norm.scale, up.kernel, up.bias, down.kernel, down.bias. */
class FeedForward extends CompositeLayer {
  static className = 'FeedForward';

  constructor({ size, ...args }) {
    super(args);
    this.norm = this.child('norm', new RmsNorm({ size }));
    this.up = this.child('up', new Dense({ inputSize: size, outputSize: 4 * size }));
    this.down = this.child('down', new Dense({ inputSize: 4 * size, outputSize: size }));
  }

  call(inputs) {
    const x = Array.isArray(inputs) ? inputs[0] : inputs; // model.fit hands over a list
    return tf.tidy(() => tf.add(x, this.down.call(gelu(this.up.call(this.norm.call(x))))));
  }

  computeOutputShape(shape) {
    return shape;
  }
}

const { name } = await selectBackend();
const input = tf.input({ shape: [8] });
const hidden = new FeedForward({ size: 32 }).apply(tf.layers.dense({ units: 32 }).apply(input));
const output = tf.layers.dense({ units: 1, activation: 'sigmoid' }).apply(hidden);
const model = tf.model({ inputs: input, outputs: output });
model.compile({ optimizer: tf.train.adam(3e-3), loss: 'binaryCrossentropy', metrics: ['accuracy'] });

const rows = tf.randomUniform([512, 8], 0, 1, 'float32', 1);
const sorted = tf.reverse(tf.topk(rows, 8).values, 1);
const x = tf.concat([rows, sorted]);
const y = tf.concat([tf.zeros([512, 1]), tf.ones([512, 1])]);
const { history } = await model.fit(x, y, { epochs: 8, batchSize: 64, shuffle: true, verbose: 0 });
console.log(`${name}: accuracy ${history.acc.at(-1).toFixed(3)} after ${history.acc.length} epochs`);
