// tfjs-backend-native in a plain tfjs program: node native-backend.mjs
// The second import is the only line that differs. Nothing else of Easel is used.
import * as tf from '@tensorflow/tfjs';
import 'tfjs-backend-native'; // where it can't be built, it says so on stderr, and tfjs goes on with another backend

await tf.ready();
const model = tf.sequential({
  layers: [
    tf.layers.conv2d({ inputShape: [16, 16, 1], filters: 8, kernelSize: 3, activation: 'relu' }),
    tf.layers.maxPooling2d({ poolSize: 2 }),
    tf.layers.flatten(),
    tf.layers.dense({ units: 2, activation: 'softmax' }),
  ],
});
model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });

// Upright and lying bars.
const bar = (n) => tf.tidy(() => tf.oneHot(tf.fill([16], n % 16, 'int32'), 16).toFloat());
const bars = Array.from({ length: 64 }, (_, n) => (n % 2 === 0 ? bar(n) : bar(n).transpose()));
const x = tf.stack(bars).expandDims(-1);
const y = tf.tensor1d(bars.map((_, n) => n % 2));
const { history } = await model.fit(x, y, { epochs: 20, batchSize: 16, verbose: 0 });
console.log(`${tf.getBackend()}: accuracy ${history.acc.at(-1).toFixed(3)}`);
