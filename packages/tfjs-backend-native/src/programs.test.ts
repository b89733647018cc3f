import { afterEach, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import './index.js';

// Seconds here; the limit is for machines that are busy.
jest.setTimeout(240_000);

/**
 * Runs a whole tfjs program on the cpu backend and on the native one, and returns both results.
 * Both leave as many tensors behind.
 */
async function onBoth<R>(program: () => Promise<R> | R): Promise<{ cpu: R; native: R }> {
  const run = async (backend: string): Promise<[result: R, left: number]> => {
    await tf.setBackend(backend);
    const before = tf.memory().numTensors;
    const result = await program();
    return [result, tf.memory().numTensors - before];
  };
  const [cpu, leftOnCpu] = await run('cpu');
  const [native, leftOnNative] = await run('native');
  expect(leftOnNative).toBe(leftOnCpu);
  return { cpu, native };
}

function expectClose(got: readonly number[], expected: readonly number[], tolerance: number): void {
  expect(got.length).toBe(expected.length);
  got.forEach((value, i) => {
    expect(Math.abs(value - (expected[i] as number))).toBeLessThanOrEqual(tolerance);
  });
}

const uniform = (seed: number) => tf.initializers.randomUniform({ minval: -0.3, maxval: 0.3, seed });

/** 24 pictures of 8×8, bright on the left or on the right, and which. */
function pictures(): { x: tf.Tensor4D; y: tf.Tensor2D } {
  const values = new Float32Array(24 * 64);
  for (let i = 0; i < values.length; i++) {
    const left = i % 8 < 4;
    values[i] = (left === (Math.floor(i / 64) % 2 === 0) ? 1 : 0) + 0.3 * Math.sin(i * 12.9898);
  }
  const sides = Array.from({ length: 24 }, (_, i) => (i % 2 === 0 ? [1, 0] : [0, 1]));
  return { x: tf.tensor4d(values, [24, 8, 8, 1]), y: tf.tensor2d(sides) };
}

function convNet(): tf.Sequential {
  return tf.sequential({
    layers: [
      tf.layers.conv2d({
        inputShape: [8, 8, 1],
        filters: 6,
        kernelSize: 3,
        padding: 'same',
        activation: 'relu',
        kernelInitializer: uniform(1),
      }),
      tf.layers.batchNormalization(),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.separableConv2d({
        filters: 4,
        kernelSize: 3,
        strides: 2,
        depthwiseInitializer: uniform(2),
        pointwiseInitializer: uniform(3),
      }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 2, activation: 'softmax', kernelInitializer: uniform(4) }),
    ],
  });
}

/** Optimizers that compile() makes keep variables of their own; disposing the model does not. */
function disposeTrained(model: tf.LayersModel): void {
  const { optimizer } = model;
  model.dispose();
  optimizer?.dispose();
}

afterEach(() => tf.disposeVariables());

describe('programs run unchanged, with the numbers of the cpu backend', () => {
  test('model.fit, evaluate and predict of a conv net', async () => {
    const { cpu, native } = await onBoth(async () => {
      const { x, y } = pictures();
      const model = convNet();
      const optimizer = tf.train.adam(0.02);
      model.compile({ optimizer, loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
      const { history } = await model.fit(x, y, { epochs: 6, batchSize: 8, shuffle: false, verbose: 0 });
      const scores = model.evaluate(x, y) as tf.Scalar[];
      const guess = model.predict(x) as tf.Tensor;
      const result = {
        loss: history.loss as number[],
        scores: scores.map((score) => score.dataSync()[0] as number),
        guess: Array.from(guess.dataSync()),
      };
      tf.dispose([x, y, scores, guess]);
      disposeTrained(model);
      return result;
    });
    expectClose(native.loss, cpu.loss, 1e-3);
    expectClose(native.guess, cpu.guess, 5e-3);
    expect(native.loss.at(-1)).toBeLessThan(0.5 * (native.loss[0] as number));
    expect(native.scores[1]).toBe(cpu.scores[1]);
  });

  test('model.fit of an embedding, an LSTM and a GRU', async () => {
    const { cpu, native } = await onBoth(async () => {
      const model = tf.sequential({
        layers: [
          tf.layers.embedding({
            inputDim: 12,
            outputDim: 6,
            inputLength: 7,
            embeddingsInitializer: uniform(1),
          }),
          tf.layers.lstm({
            units: 8,
            returnSequences: true,
            kernelInitializer: uniform(2),
            recurrentInitializer: uniform(3),
          }),
          tf.layers.gru({ units: 5, kernelInitializer: uniform(4), recurrentInitializer: uniform(5) }),
          tf.layers.dense({ units: 1, kernelInitializer: uniform(6) }),
        ],
      });
      const x = tf.tensor2d(
        Array.from({ length: 16 * 7 }, (_, i) => (i * 5) % 12),
        [16, 7],
      );
      const y = x.slice([0, 0], [16, 1]).div(12) as tf.Tensor2D;
      model.compile({ optimizer: tf.train.rmsprop(0.02), loss: 'meanSquaredError' });
      const { history } = await model.fit(x, y, { epochs: 12, batchSize: 8, shuffle: false, verbose: 0 });
      tf.dispose([x, y]);
      disposeTrained(model);
      return history.loss as number[];
    });
    expectClose(native, cpu, 1e-3);
    expect(native.at(-1)).toBeLessThan(0.5 * (native[0] as number));
  });

  test('a tf.data pipeline into fitDataset', async () => {
    const { cpu, native } = await onBoth(async () => {
      const model = tf.sequential({
        layers: [tf.layers.dense({ units: 1, inputShape: [2], kernelInitializer: uniform(1) })],
      });
      model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
      function* points() {
        for (let i = 0; i < 40; i++) yield [Math.sin(i), Math.cos(3 * i)] as [number, number];
      }
      const data = tf.data
        .generator(points)
        .filter(([a]) => a > -0.9)
        .map(([a, b]) => ({ xs: tf.tensor1d([a, b]), ys: tf.tensor1d([3 * a - 2 * b + 1]) }))
        .shuffle(16, 'seed')
        .batch(8)
        .prefetch(2);
      const { history } = await model.fitDataset(data as tf.data.Dataset<tf.TensorContainer>, {
        epochs: 8,
        verbose: 0,
      });
      disposeTrained(model);
      return history.loss as number[];
    });
    expect(native.at(-1)).toBeLessThan(0.05 * (native[0] as number));
    expect(native.length).toBe(cpu.length);
  });

  test('save, and load on the other backend', async () => {
    let saved: tf.io.ModelArtifacts | undefined;
    await tf.setBackend('native');
    const { x, y } = pictures();
    const model = convNet();
    model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
    await model.fit(x, y, { epochs: 1, verbose: 0 });
    const before = Array.from((model.predict(x) as tf.Tensor).dataSync());
    const keep = tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    });
    await model.save(keep);
    for (const backend of ['native', 'cpu']) {
      await tf.setBackend(backend);
      const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved as tf.io.ModelArtifacts));
      expectClose(Array.from((loaded.predict(x) as tf.Tensor).dataSync()), before, 1e-5);
      loaded.dispose();
    }
    tf.dispose([x, y]);
    disposeTrained(model);
  });

  test.each([
    ['sgd', () => tf.train.sgd(0.05)],
    ['momentum', () => tf.train.momentum(0.05, 0.9)],
    ['nesterov', () => tf.train.momentum(0.05, 0.9, true)],
    ['adagrad', () => tf.train.adagrad(0.05)],
    ['adadelta', () => tf.train.adadelta(0.5)],
    ['adam', () => tf.train.adam(0.05, 0.9, 0.99, 1e-3)],
    ['adamax', () => tf.train.adamax(0.05)],
    ['rmsprop', () => tf.train.rmsprop(0.05, 0.9, 0.5, 1e-3)],
  ])('tf.train.%s, and its weights there and back', async (name, make) => {
    const { cpu, native } = await onBoth(async () => {
      const w = tf.variable(tf.linspace(-1, 1, 35).reshape([5, 7]));
      const x = tf.randomNormal([3, 5], 0, 1, 'float32', 11);
      const cost = () => tf.matMul(x, w).tanh().sub(0.5).square().mean() as tf.Scalar;
      const first = make();
      for (let i = 0; i < 6; i++) first.minimize(cost);
      const second = make();
      // tfjs 4.22 has not implemented it for Adamax.
      if (name !== 'adamax') await second.setWeights(await first.getWeights());
      for (let i = 0; i < 4; i++) second.minimize(cost);
      const values = Array.from(w.dataSync());
      first.dispose();
      second.dispose();
      tf.dispose([x, w]);
      return values;
    });
    expectClose(native, cpu, 2e-4);
  });
});

describe('tensors at the edges', () => {
  test.each([0, 1, 2, 3, 4, 5, 6])('rank %d', async (rank) => {
    const { cpu, native } = await onBoth(() =>
      tf.tidy(() => {
        const shape = [2, 3, 1, 2, 3, 2].slice(0, rank);
        const x = tf.range(1, 1 + tf.util.sizeFromShape(shape)).reshape(shape);
        const axes = x.shape.map((_, axis) => axis).reverse();
        const results = [
          x.add(x.neg().exp()),
          x.mul(2).sub(tf.scalar(1)).div(x),
          x.maximum(3).greater(x),
          x.sum(),
          x.mean(rank > 0 ? [rank - 1] : []),
          rank > 0 ? x.transpose(axes) : x.clone(),
          rank > 0 && rank < 5 ? x.pad(x.shape.map(() => [1, 2] as [number, number])) : x.sqrt(),
          rank > 0 ? tf.concat([x, x], rank - 1) : x.relu(),
          rank > 0 ? x.gather(tf.tensor1d([1, 0, 1], 'int32'), 0) : x.tanh(),
          rank > 0 && rank < 6 ? x.tile(x.shape.map(() => 2)) : x.square(),
          rank > 0 ? x.slice(x.shape.map((extent) => (extent > 1 ? 1 : 0))) : x.log(),
        ];
        return results.map((y) => ({ shape: y.shape, dtype: y.dtype, values: Array.from(y.dataSync()) }));
      }),
    );
    native.forEach((result, i) => {
      expect({ ...result, values: [] }).toEqual({ ...cpu[i], values: [] });
      expectClose(result.values, cpu[i]?.values as number[], 1e-5);
    });
  });

  test('no elements', async () => {
    const { cpu, native } = await onBoth(() =>
      tf.tidy(() => {
        const x = tf.zeros<tf.Rank.R3>([2, 0, 3]);
        const w = tf.ones<tf.Rank.R2>([3, 4]);
        const results: tf.Tensor[] = [
          x.add(1),
          x.mul(x),
          x.exp().relu().sigmoid(),
          x.sum(),
          x.sum(1),
          x.transpose([2, 1, 0]),
          x.reshape([0, 3]).matMul(w),
          tf.zeros<tf.Rank.R2>([3, 0]).matMul(tf.zeros([0, 4])),
          tf.concat([x, tf.ones([2, 2, 3])], 1),
          x.pad([
            [0, 0],
            [1, 1],
            [0, 0],
          ]),
          x.tile([2, 2, 2]),
          x.slice([0, 0, 1], [2, 0, 1]),
          w.gather(tf.tensor1d([], 'int32')),
          tf.softmax(x),
          x.logSoftmax(),
          x.cast('int32'),
          x.where(x.greater(0), x),
          tf.fill([3, 0], 2),
          x.reverse(0),
          tf.unsortedSegmentSum(tf.zeros([0, 3]), tf.tensor1d([], 'int32'), 2),
        ];
        return results.map((y) => ({ shape: y.shape, dtype: y.dtype, values: Array.from(y.dataSync()) }));
      }),
    );
    expect(native).toEqual(cpu);
  });

  test('the mean of no numbers is NaN, as in TensorFlow and numpy; the cpu backend gives 0', async () => {
    await tf.setBackend('native');
    const y = tf.tidy(() => tf.zeros([2, 0, 3]).mean([0, 1]));
    expect(Array.from(y.dataSync())).toEqual([Number.NaN, Number.NaN, Number.NaN]);
    y.dispose();
  });

  // Not pow: 1 to the power of NaN is 1 in IEEE 754 and here, NaN in JavaScript.
  test('NaN and infinities come out as on cpu', async () => {
    const { cpu, native } = await onBoth(() =>
      tf.tidy(() => {
        const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 1, -1, 3e38];
        const a = tf.tensor1d(odd.flatMap((value) => odd.map(() => value)));
        const b = tf.tensor1d(odd.flatMap(() => odd));
        const results: tf.Tensor[] = [
          a.add(b),
          a.sub(b),
          a.mul(b),
          a.div(b),
          a.maximum(b),
          a.minimum(b),
          a.less(b),
          a.equal(b),
          tf.isNaN(a),
          a.relu(),
          a.clipByValue(-1, 1),
          a.reshape([8, 8]).max(1),
          a.reshape([8, 8]).min(0),
          a.reshape([8, 8]).sum(0),
          a.sqrt(),
          a.log(),
          a.tanh(),
          a.sigmoid(),
          a.floor(),
          a.sign(),
        ];
        return results.map((y) => Array.from(y.dataSync(), String));
      }),
    );
    expect(native).toEqual(cpu);
  });
});

describe('bad input is an error with a message', () => {
  test('disposed tensors, wrong dtypes, shapes and indices', async () => {
    await tf.setBackend('native');
    const before = tf.memory().numTensors;
    const x = tf.ones<tf.Rank.R2>([2, 3]);
    const gone = tf.ones([2, 3]);
    gone.dispose();
    expect(() => gone.add(1)).toThrow(/disposed/);
    expect(() => x.add(gone)).toThrow('Add: b [2,3] has been disposed');
    expect(() => tf.engine().runKernel('Silu', { x: gone })).toThrow('Silu: x [2,3] has been disposed');
    expect(() => tf.tidy(() => x.matMul(tf.ones([2, 3])))).toThrow(/inner shapes/);
    expect(() => tf.tidy(() => tf.tensor2d(['a', 'b'], [1, 2]).matMul(x))).toThrow(/must be numeric/);
    expect(() => tf.tidy(() => x.add(tf.ones([4])))).toThrow(/broadcast/);
    for (const index of [-1, 2, 2 ** 31 - 1])
      expect(() => tf.tidy(() => x.gather(tf.tensor1d([0, index], 'int32'), 0))).toThrow(
        `the index value ${index} is not in [0, 1]`,
      );
    expect(() =>
      tf.tidy(() => tf.conv2d(tf.ones<tf.Rank.R4>([1, 4, 4, 2]), tf.ones([3, 3, 5, 1]), 1, 'same')),
    ).toThrow(/depth of input/);
    x.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  /** Inputs and attributes that each fused kernel takes; [2, 4] where not said. */
  const f32 = (...shape: number[]) => ({ shape, dtype: 'float32' as const });
  const fused: [string, Record<string, { shape: number[]; dtype: 'float32' | 'int32' }>, object][] = [
    ['LayerNorm', { x: f32(2, 4), scale: f32(4), bias: f32(4) }, { epsilon: 1e-5 }],
    ['LayerNormGrad', { dy: f32(2, 4), x: f32(2, 4), mean: f32(2), rstd: f32(2) }, { hasBias: true }],
    ['GroupNorm', { x: f32(2, 3, 4), scale: f32(4), bias: f32(4) }, { groups: 2, epsilon: 1e-5 }],
    [
      'GroupNormGrad',
      { dy: f32(2, 3, 4), x: f32(2, 3, 4), mean: f32(2, 2), rstd: f32(2, 2), scale: f32(4), bias: f32(4) },
      { groups: 2 },
    ],
    ['Gelu', { x: f32(2, 4) }, { approximate: true }],
    ['GeluGrad', { dy: f32(2, 4), x: f32(2, 4) }, { approximate: false }],
    ['Silu', { x: f32(2, 4) }, {}],
    ['SiluGrad', { dy: f32(2, 4), x: f32(2, 4) }, {}],
    ['SparseCrossEntropy', { logits: f32(3, 5), labels: { shape: [3], dtype: 'int32' } }, {}],
    [
      'SparseCrossEntropyGrad',
      { dloss: f32(3), logits: f32(3, 5), labels: { shape: [3], dtype: 'int32' }, lse: f32(3) },
      {},
    ],
    ['Attention', { q: f32(2, 3, 4), k: f32(2, 5, 4), v: f32(2, 5, 4) }, { heads: 2, scale: 1 }],
    [
      'Attention',
      {
        q: f32(2, 3, 4),
        k: f32(5, 6, 4),
        v: f32(5, 6, 4),
        keyLengths: { shape: [2], dtype: 'int32' },
        firstQueries: { shape: [2], dtype: 'int32' },
        keyRows: { shape: [2], dtype: 'int32' },
      },
      { heads: 2, scale: 1, causal: true },
    ],
    ['UpdateRows', { cache: f32(2, 3, 4), rows: f32(2, 1, 4) }, { position: 1 }],
    [
      'AdamWUpdate',
      { param: f32(2, 4), grad: f32(2, 4), m: f32(2, 4), v: f32(2, 4) },
      { learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0, step: 1 },
    ],
  ];

  test.each(fused)('%s: each input of another dtype or shape', async (name, inputs, attrs) => {
    await tf.setBackend('native');
    const before = tf.memory().numTensors;
    const run = (specs: typeof inputs) =>
      tf.tidy(() => {
        const tensors = Object.fromEntries(
          Object.entries(specs).map(([key, { shape, dtype }]) => [key, tf.ones(shape, dtype)]),
        );
        const outputs = tf.engine().runKernel(name, tensors, attrs as tf.NamedAttrMap);
        return [outputs].flat().flatMap((output) => Array.from((output as tf.Tensor).dataSync()));
      });
    expect(run(inputs).every(Number.isFinite)).toBe(true);
    for (const [key, spec] of Object.entries(inputs)) {
      const other = spec.dtype === 'int32' ? 'float32' : 'int32';
      expect(() => run({ ...inputs, [key]: { ...spec, dtype: other } })).toThrow(new RegExp(`^${name}:`));
      if (Object.keys(inputs).length === 1) continue; // any shape will do
      for (const shape of [[...spec.shape, 2], spec.shape.map((extent) => extent + 1), []])
        expect(() => run({ ...inputs, [key]: { ...spec, shape } })).toThrow(new RegExp(`^${name}:`));
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  test('labels outside the row, an impossible number of heads or groups', async () => {
    await tf.setBackend('native');
    const run = (name: string, inputs: tf.NamedTensorMap, attrs: object) => () =>
      tf.tidy(() => tf.engine().runKernel(name, inputs, attrs as tf.NamedAttrMap));
    const logits = tf.ones([3, 5]);
    const rows = tf.ones([3]);
    for (const label of [-1, 5]) {
      const labels = tf.tensor1d([0, 1, label], 'int32');
      expect(run('SparseCrossEntropy', { logits, labels }, {})).toThrow(/2/);
      expect(run('SparseCrossEntropyGrad', { dloss: rows, logits, labels, lse: rows }, {})).toThrow(/2/);
      labels.dispose();
    }
    const q = tf.ones([2, 3, 4]);
    for (const heads of [0, -1, 3, 0.5, Number.NaN])
      expect(run('Attention', { q, k: q, v: q }, { heads, scale: 1 })).toThrow(/heads/);
    const scale = tf.ones([4]);
    for (const groups of [0, -2, 3, 0.5, Number.NaN])
      expect(run('GroupNorm', { x: q, scale, bias: scale }, { groups, epsilon: 1e-5 })).toThrow(
        /groups|integer/,
      );
    tf.dispose([logits, rows, q, scale]);
  });
});
