// Twelve ordinary training programs, in the manner of tfjs-examples: their losses on both backends, and what they
// leave behind. Data and initial weights come from seeds.
import * as tf from '@tensorflow/tfjs';
import { compareBackends } from './compare.mjs';

/** An initializer of its own seed: the programs' weights are the same on both backends. */
let seeds = 1;
const glorot = () => tf.initializers.glorotUniform({ seed: seeds++ });
const noise = (shape, seed) => tf.randomNormal(shape, 0, 1, 'float32', seed);

/** 10 kinds of pictures 12×12: a bar at an angle, with noise. */
function digits(count, seed) {
  return tf.tidy(() => {
    const values = new Float32Array(count * 144);
    for (let i = 0; i < count; i++) {
      const angle = ((i % 10) * Math.PI) / 10;
      for (let p = 0; p < 144; p++) {
        const [y, x] = [Math.floor(p / 12) - 5.5, (p % 12) - 5.5];
        values[i * 144 + p] = Math.abs(y * Math.cos(angle) - x * Math.sin(angle)) < 1.2 ? 1 : 0;
      }
    }
    const xs = tf.tensor4d(values, [count, 12, 12, 1]).add(noise([count, 12, 12, 1], seed).mul(0.2));
    const labels = tf.tensor1d(
      Array.from({ length: count }, (_, i) => i % 10),
      'int32',
    );
    return { xs, ys: tf.oneHot(labels, 10).toFloat() };
  });
}

/** A compiled model's fit as a program. */
function fitting(model, data, options) {
  return {
    compute: async () => {
      const { history } = await model.fit(data.xs, data.ys, { shuffle: false, verbose: 0, ...options });
      const guess = model.predict(data.xs);
      const values = [guess].flat().map((output) => output.dataSync());
      tf.dispose(guess);
      return { ...history, values };
    },
    dispose: () => {
      model.optimizer?.dispose();
      model.dispose();
      tf.dispose(data);
    },
  };
}

/** Text as one-hot windows of 16 letters, and the letter after each. */
function letters() {
  const text = 'a light that shines on the easel, and a line that the painter draws. '.repeat(3);
  const alphabet = [...new Set(text)].sort();
  const ids = Array.from(text, (letter) => alphabet.indexOf(letter));
  const count = 96;
  const windows = Array.from({ length: count }, (_, i) => ids.slice(i, i + 16));
  return {
    alphabet,
    xs: tf.tidy(() => tf.oneHot(tf.tensor2d(windows, [count, 16], 'int32'), alphabet.length).toFloat()),
    ys: tf.tidy(() => tf.oneHot(tf.tensor1d(ids.slice(16, 16 + count), 'int32'), alphabet.length).toFloat()),
  };
}

const programs = {
  'linear regression': () => {
    const xs = noise([200, 13], 1);
    const ys = tf.tidy(() => xs.matMul(noise([13, 1], 2)).add(0.5));
    const model = tf.sequential({
      layers: [tf.layers.dense({ inputShape: [13], units: 1, kernelInitializer: glorot() })],
    });
    model.compile({ optimizer: tf.train.sgd(0.05), loss: 'meanSquaredError', metrics: ['mae'] });
    return fitting(model, { xs, ys }, { epochs: 12, batchSize: 40, validationSplit: 0.2 });
  },
  XOR: () => {
    const data = { xs: tf.tensor2d([0, 0, 0, 1, 1, 0, 1, 1], [4, 2]), ys: tf.tensor2d([0, 1, 1, 0], [4, 1]) };
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ inputShape: [2], units: 8, activation: 'tanh', kernelInitializer: glorot() }),
        tf.layers.dense({ units: 1, activation: 'sigmoid', kernelInitializer: glorot() }),
      ],
    });
    model.compile({ optimizer: tf.train.adam(0.05), loss: 'binaryCrossentropy' });
    return fitting(model, data, { epochs: 60, batchSize: 4 });
  },
  'a conv net on digits': () => {
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({
          inputShape: [12, 12, 1],
          filters: 8,
          kernelSize: 3,
          activation: 'relu',
          kernelInitializer: glorot(),
        }),
        tf.layers.maxPooling2d({ poolSize: 2 }),
        tf.layers.conv2d({ filters: 12, kernelSize: 3, activation: 'relu', kernelInitializer: glorot() }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 10, activation: 'softmax', kernelInitializer: glorot() }),
      ],
    });
    model.compile({ optimizer: 'rmsprop', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
    return fitting(model, digits(80, 3), { epochs: 4, batchSize: 16 });
  },
  'a net of batch norm and dropout': () => {
    const model = tf.sequential({
      layers: [
        tf.layers.separableConv2d({
          inputShape: [12, 12, 1],
          filters: 8,
          kernelSize: 3,
          padding: 'same',
          depthwiseInitializer: glorot(),
          pointwiseInitializer: glorot(),
          // Batch norm takes a bias out again: its gradient is rounding alone, which Adam would make steps of.
          useBias: false,
        }),
        tf.layers.batchNormalization(),
        tf.layers.reLU(),
        tf.layers.averagePooling2d({ poolSize: 2 }),
        tf.layers.dropout({ rate: 0.25, seed: 5 }),
        tf.layers.flatten(),
        tf.layers.dense({
          units: 10,
          activation: 'softmax',
          kernelInitializer: glorot(),
          kernelRegularizer: tf.regularizers.l2({ l2: 1e-3 }),
        }),
      ],
    });
    model.compile({ optimizer: tf.train.adam(2e-3), loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
    return fitting(model, digits(60, 4), { epochs: 4, batchSize: 20, validationSplit: 0.2 });
  },
  'text by an LSTM': () => {
    const { xs, ys, alphabet } = letters();
    const model = tf.sequential({
      layers: [
        tf.layers.lstm({
          inputShape: [16, alphabet.length],
          units: 24,
          kernelInitializer: glorot(),
          recurrentInitializer: glorot(),
        }),
        tf.layers.dense({ units: alphabet.length, activation: 'softmax', kernelInitializer: glorot() }),
      ],
    });
    model.compile({ optimizer: tf.train.rmsprop(0.01), loss: 'categoricalCrossentropy' });
    return fitting(model, { xs, ys }, { epochs: 4, batchSize: 32 });
  },
  'text by two-way GRUs': () => {
    const { xs, ys, alphabet } = letters();
    const gru = () =>
      tf.layers.gru({
        units: 12,
        kernelInitializer: glorot(),
        recurrentInitializer: glorot(),
        returnSequences: true,
      });
    const input = tf.input({ shape: [16, alphabet.length] });
    const both = tf.layers.bidirectional({ layer: gru(), mergeMode: 'concat' }).apply(input);
    const normed = tf.layers.layerNormalization().apply(both);
    const pooled = tf.layers.globalAveragePooling1d().apply(normed);
    const output = tf.layers
      .dense({ units: alphabet.length, activation: 'softmax', kernelInitializer: glorot() })
      .apply(pooled);
    const model = tf.model({ inputs: input, outputs: output });
    // A bidirectional layer makes the weights of its two halves by itself.
    model.setWeights(tf.tidy(() => model.getWeights().map((w, i) => noise(w.shape, 100 + i).mul(0.2))));
    model.compile({ optimizer: tf.train.adam(0.01), loss: 'categoricalCrossentropy' });
    return fitting(model, { xs, ys }, { epochs: 4, batchSize: 32 });
  },
  'a variational autoencoder': () => {
    const { xs, ys } = digits(64, 6);
    ys.dispose();
    const dense = (inputs, units, activation) =>
      tf.layers.dense({ inputShape: [inputs], units, activation, kernelInitializer: glorot() });
    const encoder = tf.sequential({ layers: [dense(144, 32, 'relu'), dense(32, 8)] });
    const decoder = tf.sequential({ layers: [dense(4, 32, 'elu'), dense(32, 144, 'sigmoid')] });
    const optimizer = tf.train.adam(3e-3);
    const pictures = xs.reshape([64, 144]).clipByValue(0, 1);
    let step = 0;
    return {
      compute: () => {
        const losses = [];
        for (let i = 0; i < 20; i++) {
          step += 1;
          const cost = optimizer.minimize(() => {
            const [mean, logVariance] = tf.split(encoder.apply(pictures), 2, 1);
            const z = mean.add(noise([64, 4], 1000 + (step % 20)).mul(logVariance.mul(0.5).exp()));
            const drawn = tf.losses.sigmoidCrossEntropy(pictures, decoder.apply(z), undefined, 0);
            const divergence = logVariance.add(1).sub(mean.square()).sub(logVariance.exp()).mean().mul(-0.5);
            return drawn.add(divergence);
          }, true);
          losses.push(cost.dataSync()[0]);
          cost.dispose();
        }
        return losses;
      },
      dispose: () => {
        for (const part of [encoder, decoder, optimizer]) part.dispose();
        tf.dispose([xs, pictures]);
      },
    };
  },
  'a DCGAN': () => {
    const { xs, ys } = digits(16, 7);
    ys.dispose();
    const generator = tf.sequential({
      layers: [
        tf.layers.dense({ inputShape: [8], units: 3 * 3 * 16, kernelInitializer: glorot() }),
        tf.layers.batchNormalization(),
        tf.layers.leakyReLU({ alpha: 0.2 }),
        tf.layers.reshape({ targetShape: [3, 3, 16] }),
        tf.layers.conv2dTranspose({
          filters: 8,
          kernelSize: 5,
          strides: 2,
          padding: 'same',
          kernelInitializer: glorot(),
        }),
        tf.layers.leakyReLU({ alpha: 0.2 }),
        tf.layers.upSampling2d({ size: [2, 2], interpolation: 'bilinear' }),
        tf.layers.conv2d({
          filters: 1,
          kernelSize: 3,
          padding: 'same',
          activation: 'tanh',
          kernelInitializer: glorot(),
        }),
      ],
    });
    const critic = tf.sequential({
      layers: [
        tf.layers.conv2d({
          inputShape: [12, 12, 1],
          filters: 8,
          kernelSize: 5,
          strides: 2,
          padding: 'same',
          kernelInitializer: glorot(),
        }),
        tf.layers.leakyReLU({ alpha: 0.2 }),
        tf.layers.conv2d({
          filters: 16,
          kernelSize: 3,
          strides: 2,
          padding: 'same',
          kernelInitializer: glorot(),
        }),
        tf.layers.leakyReLU({ alpha: 0.2 }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 1, kernelInitializer: glorot() }),
      ],
    });
    const [forGenerator, forCritic] = [tf.train.adam(1e-3, 0.5), tf.train.adam(1e-3, 0.5)];
    const weights = (model) => model.trainableWeights.map(({ val }) => val);
    const cross = (labels, logits) => tf.losses.sigmoidCrossEntropy(labels, logits);
    let step = 0;
    return {
      compute: () => {
        const losses = [];
        for (let i = 0; i < 8; i++) {
          step += 1;
          const z = noise([16, 8], 2000 + step);
          const fooled = () => {
            const drawn = generator.apply(z, { training: true });
            return [drawn, critic.apply(drawn, { training: true })];
          };
          const costs = [
            forCritic.minimize(
              () => {
                const real = critic.apply(xs, { training: true });
                const fake = fooled()[1];
                return cross(tf.onesLike(real), real).add(cross(tf.zerosLike(fake), fake));
              },
              true,
              weights(critic),
            ),
            forGenerator.minimize(
              () => {
                const fake = fooled()[1];
                return cross(tf.onesLike(fake), fake);
              },
              true,
              weights(generator),
            ),
          ];
          losses.push(...costs.map((cost) => cost.dataSync()[0]));
          tf.dispose([z, costs]);
        }
        return losses;
      },
      dispose: () => {
        for (const part of [generator, critic, forGenerator, forCritic]) part.dispose();
        xs.dispose();
      },
    };
  },
  'transfer with frozen layers': () => {
    const base = tf.sequential({
      layers: [
        tf.layers.conv2d({
          inputShape: [12, 12, 1],
          filters: 8,
          kernelSize: 3,
          activation: 'relu6',
          kernelInitializer: glorot(),
        }),
        tf.layers.depthwiseConv2d({ kernelSize: 3, depthwiseInitializer: glorot() }),
        tf.layers.batchNormalization(),
        tf.layers.globalAveragePooling2d({}),
      ],
    });
    for (const layer of base.layers) layer.trainable = false;
    const model = tf.sequential({
      layers: [
        ...base.layers,
        tf.layers.dense({ units: 24, activation: 'relu', kernelInitializer: glorot() }),
        tf.layers.dense({ units: 10, activation: 'softmax', kernelInitializer: glorot() }),
      ],
    });
    model.compile({ optimizer: tf.train.adam(0.01), loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
    return fitting(model, digits(60, 8), { epochs: 4, batchSize: 20 });
  },
  'deep Q-learning of a walk': () => {
    const build = () =>
      tf.sequential({
        layers: [
          tf.layers.dense({ inputShape: [6], units: 24, activation: 'relu', kernelInitializer: glorot() }),
          tf.layers.dense({ units: 3, kernelInitializer: glorot() }),
        ],
      });
    const [online, target] = [build(), build()];
    target.setWeights(online.getWeights());
    const optimizer = tf.train.adam(2e-3);
    const states = noise([128, 6], 9);
    const next = noise([128, 6], 10);
    const actions = tf.tensor1d(
      Array.from({ length: 128 }, (_, i) => (i * 7) % 3),
      'int32',
    );
    const rewards = tf.tidy(() => states.sum(1).tanh());
    return {
      compute: () => {
        const losses = [];
        for (let i = 0; i < 20; i++) {
          const cost = optimizer.minimize(
            () => {
              const chosen = online.apply(states).mul(tf.oneHot(actions, 3)).sum(-1);
              const best = target.predict(next).max(-1);
              return tf.losses.huberLoss(rewards.add(best.mul(0.9)), chosen);
            },
            true,
            online.trainableWeights.map(({ val }) => val),
          );
          losses.push(cost.dataSync()[0]);
          cost.dispose();
        }
        target.setWeights(online.getWeights());
        return losses;
      },
      dispose: () => {
        for (const part of [online, target, optimizer]) part.dispose();
        tf.dispose([states, next, actions, rewards]);
      },
    };
  },
  'a policy gradient': () => {
    const policy = tf.sequential({
      layers: [
        tf.layers.dense({ inputShape: [4], units: 16, activation: 'elu', kernelInitializer: glorot() }),
        tf.layers.dense({ units: 1, kernelInitializer: glorot() }),
      ],
    });
    const optimizer = tf.train.adam(0.02);
    const states = noise([48, 4], 11);
    const chances = tf.randomUniform([48, 1], 0, 1, 'float32', 12);
    const returns = tf.tidy(() => states.slice([0, 0], [48, 1]).cumsum(0).tanh());
    return {
      compute: () => {
        const norms = [];
        for (let i = 0; i < 12; i++) {
          const actions = tf.tidy(() => chances.less(tf.sigmoid(policy.predict(states))).toFloat());
          const { value, grads } = tf.variableGrads(() => {
            const logits = policy.apply(states);
            const losses = tf.losses.sigmoidCrossEntropy(actions, logits, undefined, 0, tf.Reduction.NONE);
            return losses.mul(returns).mean();
          });
          optimizer.applyGradients(grads);
          const size = tf.tidy(() => tf.addN(Object.values(grads).map((g) => g.square().sum())).sqrt());
          norms.push(value.dataSync()[0], size.dataSync()[0]);
          tf.dispose([actions, value, grads, size]);
        }
        return norms;
      },
      dispose: () => {
        for (const part of [policy, optimizer]) part.dispose();
        tf.dispose([states, chances, returns]);
      },
    };
  },
  'a tf.data pipeline into fitDataset': () => {
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ inputShape: [3], units: 16, activation: 'softplus', kernelInitializer: glorot() }),
        tf.layers.dense({ units: 1, kernelInitializer: glorot() }),
      ],
    });
    model.compile({ optimizer: tf.train.momentum(0.02, 0.9), loss: 'meanSquaredError', metrics: ['mse'] });
    const points = Array.from({ length: 90 }, (_, i) => [Math.sin(i), Math.cos(2 * i), Math.sin(3 * i + 1)]);
    const data = () =>
      tf.data
        .zip({ xs: tf.data.array(points), ys: tf.data.array(points.map(([a, b, c]) => [a * b + c])) })
        .filter(({ xs }) => xs[0] > -0.8)
        .map(({ xs, ys }) => ({ xs: tf.tensor1d(xs), ys: tf.tensor1d(ys) }))
        .batch(15)
        .prefetch(2);
    return {
      compute: async () => {
        const { history } = await model.fitDataset(data(), { epochs: 8, verbose: 0, validationData: data() });
        return history;
      },
      dispose: () => {
        model.optimizer.dispose();
        model.dispose();
      },
    };
  },
  ...Object.fromEntries(
    Object.entries({
      sgd: () => tf.train.sgd(0.05),
      momentum: () => tf.train.momentum(0.02, 0.9),
      nesterov: () => tf.train.momentum(0.02, 0.9, true),
      adagrad: () => tf.train.adagrad(0.05),
      adadelta: () => tf.train.adadelta(0.5),
      adam: () => tf.train.adam(0.01),
      adamax: () => tf.train.adamax(0.01),
      rmsprop: () => tf.train.rmsprop(0.005),
      // tfjs subtracts epsilon under the root, where a larger one makes NaN.
      'centered rmsprop': () => tf.train.rmsprop(0.005, 0.9, 0.5, 1e-12, true),
    }).map(([name, make]) => [
      `a loop of one's own with ${name}`,
      () => {
        const [w, b, v] = [noise([6, 12], 21), noise([12], 22), noise([12, 1], 23)].map((value) => {
          const variable = tf.variable(value.mul(0.4));
          value.dispose();
          return variable;
        });
        const x = noise([40, 6], 24);
        const y = tf.tidy(() => x.square().sum(1, true).sqrt());
        const optimizer = make();
        return {
          compute: () => {
            const losses = [];
            for (let i = 0; i < 40; i++) {
              const { value, grads } = tf.variableGrads(
                () => tf.losses.meanSquaredError(y, x.matMul(w).add(b).selu().matMul(v)),
                [w, b, v],
              );
              optimizer.applyGradients(grads);
              losses.push(value.dataSync()[0]);
              tf.dispose([value, grads]);
            }
            return losses;
          },
          dispose: () => {
            optimizer.dispose();
            tf.dispose([w, b, v, x, y]);
          },
        };
      },
    ]),
  ),
};

const wanted = process.argv.slice(2);
let failed = 0;
for (const [name, make] of Object.entries(programs)) {
  if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) continue;
  const seededMake = () => {
    seeds = 1;
    return make();
  };
  const report = await compareBackends(name, seededMake, { tolerance: 2e-3, repeats: 5 });
  if (!report.ok) failed += 1;
}
process.exitCode = failed === 0 ? 0 : 1;
