// A conv net's training and a gradient on the backend that tfjs takes by itself: runtimes.mjs runs it in each runtime.
import * as tf from '@tensorflow/tfjs';
import { nativeStatus } from 'tfjs-backend-native';

/** Trains a small conv net for three epochs. Returns what was computed, and where. */
export async function smallProgram() {
  await tf.ready();
  const initializer = (seed) => tf.initializers.glorotUniform({ seed });
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({
        inputShape: [8, 8, 1],
        filters: 4,
        kernelSize: 3,
        kernelInitializer: initializer(1),
      }),
      tf.layers.reLU(),
      tf.layers.flatten(),
      tf.layers.dense({ units: 2, activation: 'softmax', kernelInitializer: initializer(2) }),
    ],
  });
  model.compile({ optimizer: tf.train.adam(0.01), loss: 'categoricalCrossentropy' });
  const xs = tf.randomNormal([16, 8, 8, 1], 0, 1, 'float32', 3);
  const ys = tf.oneHot(
    tf.tensor1d(
      Array.from({ length: 16 }, (_, i) => i % 2),
      'int32',
    ),
    2,
  );
  const { history } = await model.fit(xs, ys, { epochs: 3, shuffle: false, verbose: 0 });
  const gradient = tf.grad((x) =>
    x
      .conv2d(tf.ones([3, 3, 1, 2]), 1, 'same')
      .square()
      .mean(),
  )(xs);
  const { available, target } = nativeStatus();
  return {
    backend: tf.getBackend(),
    available,
    target,
    losses: history.loss,
    gradient: (await gradient.square().sum().data())[0],
  };
}
