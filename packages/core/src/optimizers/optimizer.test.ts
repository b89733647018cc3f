import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { describeNative } from '../../testing/backends.js';
import { CheckpointError, ConfigError, ShapeError } from '../errors.js';
import { Adafactor } from './adafactor.js';
import { AdamW } from './adamw.js';
import type { WeightFormat } from './optimizer.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const variable = (values: number[]) => tf.tidy(() => tf.variable(tf.tensor1d(values)));
const rate = (value: number) => () => value;

describe('AdamW', () => {
  test('two steps by hand', async () => {
    const w = variable([1, 1]);
    const optimizer = new AdamW({
      schedule: rate(0.1),
      beta1: 0.5,
      beta2: 0.75,
      epsilon: 0,
      weightDecay: 0.5,
      decayFilter: (name) => name !== 'bias',
    });
    const bias = variable([1]);
    const variables = new Map([
      ['w', w],
      ['bias', bias],
    ]);
    const grads = (a: number, b: number, c: number) =>
      new Map([
        ['w', tf.tensor1d([a, b])],
        ['bias', tf.tensor1d([c])],
      ]);
    await optimizer.apply(variables, grads(2, -4, 2));
    // First step: m̂/√v̂ = sign(g). w: 1 − 0.1·(±1 + 0.5·1). bias: no decay.
    expect([...w.dataSync(), ...bias.dataSync()].map((x) => x.toFixed(5))).toEqual([
      '0.85000',
      '1.05000',
      '0.90000',
    ]);
    await optimizer.apply(variables, grads(0, -4, 2));
    // w[0]: m = 0.5·1 = 0.5, m̂ = 0.5/0.75; v = 0.75·1 = 0.75, v̂ = 0.75/0.4375; u = 0.50918 +
    // 0.5·0.85; 0.85 − 0.0934178. w[1] and bias: constant gradients keep sign(g): 1.05 − 0.1·(−1 +
    // 0.525), 0.9 − 0.1.
    expect([...w.dataSync(), ...bias.dataSync()].map((x) => x.toFixed(5))).toEqual([
      '0.75658',
      '1.09750',
      '0.80000',
    ]);
    expect(optimizer.step).toBe(2);
  });

  test('gradients one by one, in any order, are the same update', async () => {
    const start = { w: [1, 2, 3], bias: [4] };
    const [whole, parts] = [0, 1].map(
      () => new Map(Object.entries(start).map(([name, values]) => [name, variable(values)])),
    ) as [Map<string, tf.Variable>, Map<string, tf.Variable>];
    const grads = new Map([
      ['w', tf.tensor1d([0.5, -1, 2])],
      ['bias', tf.tensor1d([3])],
    ]);
    const [one, other] = [new AdamW({ schedule: rate(0.1) }), new AdamW({ schedule: rate(0.1) })];
    for (let step = 0; step < 2; step++) {
      await one.apply(whole, grads, 0.5);
      const update = other.begin(parts);
      for (const [name, gradient] of [...grads].reverse()) update.take(name, gradient, 0.5);
      expect(other.step).toBe(step);
      await update.finish();
    }
    expect(other.step).toBe(2);
    for (const [name, weight] of whole) expect(parts.get(name)?.dataSync()).toEqual(weight.dataSync());
  });

  test('an update one by one refuses a gradient that does not fit, a second one and a missing one', async () => {
    const variables = new Map([['w', variable([1, 2])]]);
    const optimizer = new AdamW({ schedule: rate(0.1) });
    const update = optimizer.begin(variables);
    expect(() => update.take('w', tf.tensor1d([1]))).toThrow('expected a gradient [2] for w, got [1]');
    await expect(update.finish()).rejects.toThrow('expected a gradient [2] for w, got none');
    update.take('w', tf.tensor1d([1, 1]));
    expect(() => update.take('w', tf.tensor1d([1, 1]))).toThrow('no variable named w');
    await update.finish();
    expect(optimizer.step).toBe(1);
  });

  test('the schedule is asked for the count before the update', async () => {
    const w = variable([0]);
    const asked: number[] = [];
    const optimizer = new AdamW({
      schedule: (step) => {
        asked.push(step);
        return step;
      },
    });
    const grads = new Map([['w', tf.tensor1d([1])]]);
    await optimizer.apply(new Map([['w', w]]), grads);
    expect(w.dataSync()[0]).toBe(0); // rate 0
    await optimizer.apply(new Map([['w', w]]), grads);
    expect(w.dataSync()[0]).toBeCloseTo(-1, 4); // 1 − β₂² is float32's
    expect(asked).toEqual([0, 1]);
  });

  test('bad settings are errors', () => {
    const schedule = rate(1);
    const settings = [{ beta1: 1 }, { beta2: -0.1 }, { epsilon: Number.NaN }, { weightDecay: -1 }];
    for (const setting of settings) expect(() => new AdamW({ schedule, ...setting })).toThrow(ConfigError);
  });
});

describe('Adafactor', () => {
  test('the first step by hand', async () => {
    // t = 1: ρ = 0, so v = g² and u = sign(g), of root mean square 1. Times rate 0.1 and rms(p) =
    // 5: p = (1, −7) − 0.5·(1, −1).
    const w = variable([1, -7]);
    const optimizer = new Adafactor({ schedule: rate(0.1) });
    await optimizer.apply(new Map([['w', w]]), new Map([['w', tf.tensor1d([3, -0.01])]]));
    expect([...w.dataSync()].map((x) => x.toFixed(5))).toEqual(['0.50000', '-6.50000']);
  });

  test('a matrix of rank 1 is factored without loss', async () => {
    // With g² = row ⊗ column the estimate is exact: u = sign(g), clipped by threshold ½ to half of
    // it.
    const w = tf.tidy(() => tf.variable(tf.zeros([2, 3])));
    const schedule = rate(1);
    const settings = { minDimSizeToFactor: 2, clippingThreshold: 0.5, multiplyByParameterScale: false };
    const optimizer = new Adafactor({ schedule, ...settings });
    await optimizer.apply(
      new Map([['w', w]]),
      new Map([['w', tf.tensor2d([1, -2, 3, 10, -20, 30], [2, 3])]]),
    );
    expect([...w.dataSync()].map((x) => x.toFixed(5))).toEqual(
      [-0.5, 0.5, -0.5, -0.5, 0.5, -0.5].map((x) => x.toFixed(5)),
    );
    expect([...optimizer.state()].map(([name, { shape }]) => [name, shape])).toEqual([
      ['step', []],
      ['v_row.w', [2]],
      ['v_col.w', [3]],
    ]);
  });

  test('a gradient of zeros changes nothing and gives no NaN', async () => {
    const w = variable([1, 2]);
    await new Adafactor({ schedule: rate(1) }).apply(new Map([['w', w]]), new Map([['w', tf.zeros([2])]]));
    expect([...w.dataSync()]).toEqual([1, 2]);
  });

  test('bad settings are errors', () => {
    const schedule = rate(1);
    const settings = [
      { minDimSizeToFactor: 0 },
      { clippingThreshold: 0 },
      { momentum: 1 },
      { weightDecay: -1 },
    ];
    for (const setting of settings)
      expect(() => new Adafactor({ schedule, ...setting })).toThrow(ConfigError);
  });
});

describe('state', () => {
  const make = () => new AdamW({ schedule: rate(0.1) });
  const grads = () => new Map([['w', tf.tensor1d([1, 2])]]);

  test('a loaded optimizer does what the saved one would have done', async () => {
    const [a, b] = [variable([1, 2]), variable([1, 2])];
    const first = make();
    for (let i = 0; i < 3; i++) await first.apply(new Map([['w', a]]), grads());
    b.assign(a);
    const second = make();
    await second.loadState(new Map([...first.state()].map(([name, tensor]) => [name, tf.clone(tensor)])));
    await first.apply(new Map([['w', a]]), grads());
    await second.apply(new Map([['w', b]]), grads());
    expect(b.dataSync()).toEqual(a.dataSync());
    expect(second.step).toBe(4);
    expect(second.state().get('step')?.dataSync()[0]).toBe(4);
  });

  test('state of another model is an error that names the tensor', async () => {
    const saved = make();
    await saved.apply(new Map([['w', variable([1, 2])]]), grads());
    const load = async (name: string, values: number[]) => {
      const optimizer = make();
      await optimizer.loadState(saved.state());
      await optimizer.apply(new Map([[name, variable(values)]]), new Map([[name, tf.tensor1d(values)]]));
    };
    await expect(load('other', [1, 2])).rejects.toThrow('m.other is missing');
    await expect(load('w', [1, 2, 3])).rejects.toThrow('expected m.w of shape [3], found [2]');
    const extra = make();
    await extra.loadState(new Map([...saved.state(), ['m.gone', tf.zeros([1])]]));
    await expect(extra.apply(new Map([['w', variable([1, 2])]]), grads())).rejects.toThrow(
      'm.gone in the loaded state',
    );
    // One that has made no update yet has a step and nothing else.
    const fresh = make();
    await fresh.loadState(make().state());
    expect(fresh.step).toBe(0);
    await fresh.apply(new Map([['w', tf.variable(tf.tensor1d([1]))]]), new Map([['w', tf.tensor1d([1])]]));
    await expect(make().loadState(new Map())).rejects.toThrow(CheckpointError);
    await expect(make().loadState(new Map([['step', tf.scalar(1.5)]]))).rejects.toThrow('found 1.5');
  });
});

test('names and shapes of gradients are checked before anything changes', async () => {
  const [a, b] = [variable([1]), variable([1])];
  const optimizer = new AdamW({ schedule: rate(0.1) });
  const variables = new Map([
    ['a', a],
    ['b', b],
  ]);
  const one = tf.tensor1d([1]);
  await expect(optimizer.apply(variables, new Map([['a', one]]))).rejects.toThrow('for b, got none');
  await expect(
    optimizer.apply(variables, new Map([...variables].map(([name]) => [name, tf.ones([2])]))),
  ).rejects.toThrow(ShapeError);
  const named = [...variables, ['c', a] as const].map(([name]): [string, tf.Tensor] => [name, one]);
  await expect(optimizer.apply(variables, new Map(named))).rejects.toThrow('no variable named c');
  expect([a.dataSync()[0], b.dataSync()[0], optimizer.step]).toEqual([1, 1, 0]);
});

test.each([
  ['AdamW', () => new AdamW({ schedule: rate(0.1) })],
  ['Adafactor', () => new Adafactor({ schedule: rate(0.1), momentum: 0.9, minDimSizeToFactor: 1 })],
] as const)('%s leaves no tensors', async (_, make) => {
  const before = tf.memory().numTensors;
  const w = tf.tidy(() => tf.variable(tf.ones([3, 2])));
  const grad = tf.ones([3, 2]);
  const optimizer = make();
  await optimizer.apply(new Map([['w', w]]), new Map([['w', grad]]));
  const held = tf.memory().numTensors;
  await optimizer.apply(new Map([['w', w]]), new Map([['w', grad]]));
  optimizer.state();
  expect(tf.memory().numTensors).toBe(held);
  await optimizer.loadState(new Map(optimizer.state()));
  optimizer.dispose();
  tf.dispose([w, grad]);
  expect(tf.memory().numTensors).toBe(before);
});

describeNative('AdamW in place on native', ['AdamWUpdate'], () => {
  test("changes neither clones, nor views, nor the caller's array, nor what was read", async () => {
    const source = new Float32Array(5000).fill(1);
    const initial = tf.tensor1d(source);
    const w = tf.variable(initial);
    const clone = tf.clone(w);
    const view = tf.slice(w, 0, 2500);
    const grads = new Map([['w', tf.ones([5000])]]);
    const optimizer = new AdamW({ schedule: rate(0.1) });
    await optimizer.apply(new Map([['w', w]]), grads);
    const read = w.dataSync();
    const after = read[0] as number;
    expect(after).toBeCloseTo(0.9, 5);
    await optimizer.apply(new Map([['w', w]]), grads);
    expect([source[0], initial.dataSync()[0], clone.dataSync()[0], view.dataSync()[0], read[0]]).toEqual([
      1,
      1,
      1,
      1,
      after,
    ]);
    expect(w.dataSync()[4999]).toBeCloseTo(0.8, 5);
  });

  test('writes in place where nobody else looks', async () => {
    const w = tf.tidy(() => tf.variable(tf.ones([3])));
    const optimizer = new AdamW({ schedule: rate(0.1) });
    const { dataId } = w;
    await optimizer.apply(new Map([['w', w]]), new Map([['w', tf.ones([3])]]));
    expect(w.dataId).toBe(dataId);
  });
});

test("weights in bfloat16: steps below a weight's last digit move it in the mean, and repeat for the same name and count", async () => {
  const run = async (format: WeightFormat): Promise<Float32Array> => {
    const weight = tf.variable(tf.ones([4000]));
    const optimizer = new AdamW({ schedule: rate(1e-4), weights: format });
    const grads = new Map([['w', tf.ones([4000])]]);
    for (let step = 0; step < 40; step++) await optimizer.apply(new Map([['w', weight]]), grads);
    const values = weight.dataSync() as Float32Array;
    tf.dispose([weight, ...grads.values()]);
    optimizer.dispose();
    return values;
  };
  const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value / values.length, 0);
  const [exact, narrow] = [await run('float32'), await run('bfloat16')];
  expect(mean(exact)).toBeCloseTo(1 - 40e-4, 5);
  // 40 steps of 1e-4, each far below the 0.0039 between neighbours under 1: rounding to the nearest
  // would have moved nothing.
  expect(Math.abs(mean(narrow) - mean(exact))).toBeLessThan((6 * 0.0039) / Math.sqrt(4000));
  expect(new Set(narrow).size).toBeGreaterThan(1);
  expect(await run('bfloat16')).toEqual(narrow);
});
