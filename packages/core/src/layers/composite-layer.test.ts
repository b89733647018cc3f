import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { CompositeLayer, singleInput } from './composite-layer.js';
import { Conv2d } from './conv2d.js';
import { Dense } from './dense.js';
import { Embedding } from './embedding.js';
import { GroupNorm, LayerNorm, RmsNorm } from './norms.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** tanh(x·up)·down, twice nested below, with a weight of its own. */
class Block extends CompositeLayer {
  static className = 'TestBlock';
  private readonly up: Dense;
  private readonly down: Dense;
  private readonly gain: ReturnType<Block['addWeight']>;
  constructor(config: { name?: string } = {}) {
    super(config.name === undefined ? {} : { name: config.name });
    this.up = this.child('up', new Dense({ inputSize: 3, outputSize: 5 }));
    this.down = this.child('down', new Dense({ inputSize: 5, outputSize: 3, useBias: false }));
    this.gain = this.addWeight('gain', [3], 'float32', tf.initializers.ones());
  }
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => {
      const hidden = tf.tanh(this.up.call(singleInput(inputs, this)));
      return tf.mul(this.down.call(hidden), this.gain.read());
    });
  }
}
tf.serialization.registerClass(Block);

class Stack extends CompositeLayer {
  static className = 'TestStack';
  readonly blocks: Block[];
  constructor(config: { name?: string } = {}) {
    super(config.name === undefined ? {} : { name: config.name });
    this.blocks = [0, 1].map((i) => this.child(`layers.${i}`, new Block()));
  }
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => this.blocks.reduce((x, block) => block.call(x), singleInput(inputs, this)));
  }
}
tf.serialization.registerClass(Stack);

const PATHS = [0, 1].flatMap((i) =>
  ['gain', 'up.kernel', 'up.bias', 'down.kernel'].map((leaf) => `layers.${i}.${leaf}`),
);

describe('CompositeLayer', () => {
  const stack = new Stack();
  afterAll(() => {
    stack.dispose();
  });

  test('names weights by their path', () => {
    expect([...stack.namedWeights().keys()]).toEqual(PATHS);
    expect(stack.namedWeights().get('layers.1.up.kernel')?.shape).toEqual([3, 5]);
  });

  test('call works at once, and every weight gets a gradient', () => {
    const before = tf.memory().numTensors;
    const { value, grads } = tf.variableGrads(
      () => tf.sum(stack.call(tf.ones([2, 3]))) as tf.Scalar,
      [...stack.namedWeights().values()],
    );
    expect(Object.keys(grads)).toHaveLength(8);
    tf.dispose([value, ...Object.values(grads)]);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('original names are unique and hold the whole path', () => {
    const names = stack.weights.map((weight) => weight.originalName);
    expect(new Set(names).size).toBe(8);
    expect(names).toContain(`${stack.name}/layers/0/down/kernel`);
  });

  test('freezing the stack, or one block, moves its weights', () => {
    stack.trainable = false;
    expect([stack.trainableWeights.length, stack.nonTrainableWeights.length]).toEqual([0, 8]);
    stack.trainable = true;
    (stack.blocks[0] as Block).trainable = false;
    expect([stack.trainableWeights.length, stack.nonTrainableWeights.length]).toEqual([4, 4]);
    (stack.blocks[0] as Block).trainable = true;
    expect([stack.trainableWeights.length, stack.nonTrainableWeights.length]).toEqual([8, 0]);
  });

  test('a second child of one name is an error', () => {
    class Twice extends CompositeLayer {
      constructor() {
        super();
        this.child('a', new Dense({ inputSize: 1, outputSize: 1 }));
        this.child('a', new Dense({ inputSize: 1, outputSize: 1 }));
      }
    }
    expect(() => new Twice()).toThrow('there is already a child "a"');
  });

  test('dispose frees every weight, also of a layer never applied, and twice does nothing', () => {
    const before = tf.memory().numTensors;
    const short = new Stack();
    expect(short.dispose().numDisposedVariables).toBe(8);
    expect(short.dispose().numDisposedVariables).toBe(0);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('lives in tf.model beside others: predict, fit, save and load', async () => {
    const input = tf.input({ shape: [3] });
    const layer = new Stack();
    const others = [
      layer,
      new Dense({ inputSize: 3, outputSize: 3 }),
      new Dense({ inputSize: 3, outputSize: 3 }),
    ];
    const output = others.reduce((x, other) => other.apply(x) as tf.SymbolicTensor, input);
    const model = tf.model({ inputs: input, outputs: output });
    model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
    const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
    const kernel = layer.namedWeights().get('layers.0.up.kernel') as tf.Variable;
    const start = await kernel.data();
    await model.fit(x, tf.ones([2, 3]), { epochs: 1, verbose: 0 });
    expect(await kernel.data()).not.toEqual(start);

    let artifacts: tf.io.ModelArtifacts | undefined;
    await model.save(
      tf.io.withSaveHandler(async (saved) => {
        artifacts = saved;
        return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
      }),
    );
    const loaded = await tf.loadLayersModel(tf.io.fromMemory(artifacts as tf.io.ModelArtifacts));
    const [expected, actual] = [model, loaded].map((m) => (m.predict(x) as tf.Tensor).dataSync());
    expect(actual).toEqual(expected);
  });
});

describe('layers by hand', () => {
  test('Dense [2,2] → [2,1]: x·kernel + bias', async () => {
    const dense = new Dense({ inputSize: 2, outputSize: 1, kernelInitializer: 'ones' });
    dense
      .namedWeights()
      .get('bias')
      ?.assign(tf.tensor1d([10]));
    // 1+2+10, 3+4+10
    expect(await dense.call(tf.tensor2d([1, 2, 3, 4], [2, 2])).data()).toEqual(Float32Array.of(13, 17));
    expect(dense.computeOutputShape([null, 2])).toEqual([null, 1]);
    expect(() => dense.call(tf.ones([2, 3]))).toThrow('linear: expected x with last axis 2');
  });

  test('Embedding looks rows up and names its weight embedding', async () => {
    const layer = new Embedding({ entries: 3, size: 2 });
    layer
      .namedWeights()
      .get('embedding')
      ?.assign(tf.tensor2d([0, 1, 10, 11, 20, 21], [3, 2]));
    const y = layer.call(tf.tensor2d([2, 0], [1, 2], 'int32'));
    expect(y.shape).toEqual([1, 2, 2]);
    expect(await y.data()).toEqual(Float32Array.of(20, 21, 0, 1));
  });

  test('norms create only the weights they use', () => {
    const names = (layer: CompositeLayer) => [...layer.namedWeights().keys()];
    expect(names(new LayerNorm({ size: 3 }))).toEqual(['scale', 'bias']);
    expect(names(new LayerNorm({ size: 3, useScale: false }))).toEqual(['bias']);
    expect(names(new RmsNorm({ size: 3, useScale: false }))).toEqual([]);
    expect(names(new RmsNorm({ size: 3 }))).toEqual(['scale']);
    expect(names(new GroupNorm({ channels: 4, groups: 2 }))).toEqual(['scale', 'bias']);
  });

  test('Conv2d: explicit padding [[0,1],[0,1]] with stride 2 as VQGAN pads', async () => {
    const conv = new Conv2d({
      inputChannels: 1,
      outputChannels: 1,
      kernelSize: 3,
      stride: 2,
      padding: [
        [0, 1],
        [0, 1],
      ],
      kernelInitializer: 'ones',
    });
    const y = conv.call(tf.ones([1, 4, 4, 1]));
    // Each output sums a 3×3 field of ones; the last row and column meet one row or column of
    // zeros: 9, 6; 6, 4.
    expect(y.shape).toEqual([1, 2, 2, 1]);
    expect(conv.computeOutputShape([null, 4, 4, 1])).toEqual([null, 2, 2, 1]);
    expect(await y.data()).toEqual(Float32Array.of(9, 6, 6, 4));
  });

  test('Conv2d computes its output shape as tfjs does', () => {
    for (const padding of ['same', 'valid'] as const) {
      for (const stride of [1, 2, 3]) {
        const conv = new Conv2d({ inputChannels: 1, outputChannels: 2, kernelSize: [2, 3], stride, padding });
        const y = conv.call(tf.ones([1, 7, 8, 1]));
        expect(y.shape).toEqual(conv.computeOutputShape([1, 7, 8, 1]));
      }
    }
  });

  test('an unknown initializer is named with the nearest', () => {
    expect(() => new Dense({ inputSize: 1, outputSize: 1, kernelInitializer: 'zeross' })).toThrow(
      'Did you mean "zeros"?',
    );
  });
});
