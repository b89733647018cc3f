// Shows that the addon loads and computes under the Node that runs this, for example an emulated
// one: `node scripts/addon-check.mjs`, after tsc -b. It runs tfjs programs on `native`, under every
// CPU target, and on tfjs's `cpu` backend, and compares them. It ends with 1 if they differ.
import * as tf from '@tensorflow/tfjs';
import { addon } from '../dist/addon.js';
import { nativeStatus, setTarget } from '../dist/index.js';

/** Programs that return tensors, the same on any backend. */
const PROGRAMS = {
  'products with gradients': () => {
    const a = tf.randomNormal([37, 53], 0, 1, 'float32', 1);
    const b = tf.randomNormal([53, 41], 0, 1, 'float32', 2);
    const [da, db] = tf.grads((x, y) => tf.softmax(tf.matMul(x, y).relu()).log().mean())([a, b]);
    return [tf.matMul(a, b), da, db];
  },
  'convolutions with gradients': () => {
    const x = tf.randomNormal([2, 12, 13, 16], 0, 1, 'float32', 3);
    const filter = tf.randomNormal([3, 3, 16, 24], 0, 0.1, 'float32', 4);
    const loss = (image, kernel) =>
      tf
        .conv2d(tf.conv2d(image, kernel, 1, 'same').tanh(), kernel.transpose([0, 1, 3, 2]), 2, 'same')
        .square()
        .mean();
    const [dx, df] = tf.grads(loss)([x, filter]);
    return [dx, df];
  },
  'rows and elements': () => {
    const x = tf.randomNormal([19, 83], 0, 3, 'float32', 5);
    return [
      x.exp(),
      x.erf(),
      x.sigmoid(),
      x.abs().log(),
      x.sum(0),
      x.max(1),
      x.mean(),
      tf.logSoftmax(x),
      x.transpose(),
      tf.concat([x, x.neg()], 1),
    ];
  },
  'training by Adam': () => {
    const x = tf.randomNormal([64, 10], 0, 1, 'float32', 6);
    const y = x.sum(1, true).sin();
    const weights = [
      tf.randomNormal([10, 16], 0, 0.3, 'float32', 7).variable(),
      tf.randomNormal([16, 1], 0, 0.3, 'float32', 8).variable(),
    ];
    const optimizer = tf.train.adam(0.02);
    const losses = [];
    for (let step = 0; step < 30; step++)
      losses.push(
        optimizer.minimize(
          () => tf.matMul(tf.matMul(x, weights[0]).tanh(), weights[1]).sub(y).square().mean(),
          true,
          weights,
        ),
      );
    const result = tf.stack(losses);
    optimizer.dispose();
    for (const weight of weights) weight.dispose();
    return [result];
  },
};

const values = (program) => tf.tidy(() => program().map((tensor) => Array.from(tensor.dataSync())));

const status = nativeStatus();
if (!status.available) throw new Error(`addon-check: ${status.reason}`);
console.log(
  `addon-check: Node ${process.version} ${process.arch}, ${status.cpu}, ${status.threads} threads: ${status.path}`,
);
let failed = 0;
for (const [name, program] of Object.entries(PROGRAMS)) {
  tf.setBackend('cpu');
  const expected = values(program);
  tf.setBackend('native');
  for (const target of addon().status().targets) {
    setTarget(target);
    let worst = 0;
    values(program).forEach((list, i) => {
      list.forEach((value, j) => {
        const error = Math.abs(value - expected[i][j]) / (1 + Math.abs(expected[i][j]));
        if (!(error <= worst)) worst = error;
      });
    });
    const fits = worst < 2e-5;
    if (!fits) failed++;
    console.log(
      `addon-check: ${target}: ${name}: ${fits ? 'as on cpu' : 'DIFFERS'}, largest difference ${worst.toExponential(1)}`,
    );
  }
}
process.exitCode = failed > 0 ? 1 : 0;
