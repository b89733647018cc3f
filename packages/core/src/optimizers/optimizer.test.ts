import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { describeNative } from '../../testing/backends.js';
import { CheckpointError, ConfigError, ShapeError } from '../errors.js';
import { Adafactor } from './adafactor.js';
import { AdamW } from './adamw.js';
import { clipByGlobalNorm, clipFactor, globalNorm } from './clip.js';
import type { WeightFormat } from './optimizer.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const variable = (values: number[]) => tf.tidy(() => tf.variable(tf.tensor1d(values)));
const rate = (value: number) => () => value;

describe('AdamW', () => {
  test('two steps by hand', () => {
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
    optimizer.apply(variables, grads(2, -4, 2));
    // First step: m̂/√v̂ = sign(g). w: 1 − 0.1·(±1 + 0.5·1). bias: no decay.
    expect([...w.dataSync(), ...bias.dataSync()].map((x) => x.toFixed(5))).toEqual([
      '0.85000',
      '1.05000',
      '0.90000',
    ]);
    optimizer.apply(variables, grads(0, -4, 2));
    // w[0]: m = 0.5·1 = 0.5, m̂ = 0.5/0.75; v = 0.75·1 = 0.75, v̂ = 0.75/0.4375; u = 0.50918 + 0.5·0.85; 0.85 − 0.0934178.
    // w[1] and bias: constant gradients keep sign(g): 1.05 − 0.1·(−1 + 0.525), 0.9 − 0.1.
    expect([...w.dataSync(), ...bias.dataSync()].map((x) => x.toFixed(5))).toEqual([
      '0.75658',
      '1.09750',
      '0.80000',
    ]);
    expect(optimizer.step).toBe(2);
  });

  test('gradients one by one, in any order, are the same update', () => {
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
      one.apply(whole, grads, 0.5);
      const update = other.begin(parts, 0.5);
      for (const [name, gradient] of [...grads].reverse()) update.take(name, gradient);
      expect(other.step).toBe(step);
      update.finish();
    }
    expect(other.step).toBe(2);
    for (const [name, weight] of whole) expect(parts.get(name)?.dataSync()).toEqual(weight.dataSync());
  });

  test('an update one by one refuses a gradient that does not fit, a second one and a missing one', () => {
    const variables = new Map([['w', variable([1, 2])]]);
    const optimizer = new AdamW({ schedule: rate(0.1) });
    const update = optimizer.begin(variables);
    expect(() => update.take('w', tf.tensor1d([1]))).toThrow('expected a gradient [2] for w, got [1]');
    expect(() => update.finish()).toThrow('expected a gradient [2] for w, got none');
    update.take('w', tf.tensor1d([1, 1]));
    expect(() => update.take('w', tf.tensor1d([1, 1]))).toThrow('no variable named w');
    update.finish();
    expect(optimizer.step).toBe(1);
  });

  test('the schedule is asked for the count before the update', () => {
    const w = variable([0]);
    const asked: number[] = [];
    const optimizer = new AdamW({
      schedule: (step) => {
        asked.push(step);
        return step;
      },
    });
    const grads = new Map([['w', tf.tensor1d([1])]]);
    optimizer.apply(new Map([['w', w]]), grads);
    expect(w.dataSync()[0]).toBe(0); // rate 0
    optimizer.apply(new Map([['w', w]]), grads);
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
  test('the first step by hand', () => {
    // t = 1: ρ = 0, so v = g² and u = sign(g), of root mean square 1. Times rate 0.1 and rms(p) = 5: p = (1, −7) − 0.5·(1, −1).
    const w = variable([1, -7]);
    const optimizer = new Adafactor({ schedule: rate(0.1) });
    optimizer.apply(new Map([['w', w]]), new Map([['w', tf.tensor1d([3, -0.01])]]));
    expect([...w.dataSync()].map((x) => x.toFixed(5))).toEqual(['0.50000', '-6.50000']);
  });

  test('a matrix of rank 1 is factored without loss', () => {
    // With g² = row ⊗ column the estimate is exact: u = sign(g), clipped by threshold ½ to half of it.
    const w = tf.tidy(() => tf.variable(tf.zeros([2, 3])));
    const schedule = rate(1);
    const settings = { minDimSizeToFactor: 2, clippingThreshold: 0.5, multiplyByParameterScale: false };
    const optimizer = new Adafactor({ schedule, ...settings });
    optimizer.apply(new Map([['w', w]]), new Map([['w', tf.tensor2d([1, -2, 3, 10, -20, 30], [2, 3])]]));
    expect([...w.dataSync()].map((x) => x.toFixed(5))).toEqual(
      [-0.5, 0.5, -0.5, -0.5, 0.5, -0.5].map((x) => x.toFixed(5)),
    );
    expect([...optimizer.state()].map(([name, { shape }]) => [name, shape])).toEqual([
      ['step', []],
      ['v_row.w', [2]],
      ['v_col.w', [3]],
    ]);
  });

  test('a gradient of zeros changes nothing and gives no NaN', () => {
    const w = variable([1, 2]);
    new Adafactor({ schedule: rate(1) }).apply(new Map([['w', w]]), new Map([['w', tf.zeros([2])]]));
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

  test('a loaded optimizer does what the saved one would have done', () => {
    const [a, b] = [variable([1, 2]), variable([1, 2])];
    const first = make();
    for (let i = 0; i < 3; i++) first.apply(new Map([['w', a]]), grads());
    b.assign(a);
    const second = make();
    second.loadState(new Map([...first.state()].map(([name, tensor]) => [name, tf.clone(tensor)])));
    first.apply(new Map([['w', a]]), grads());
    second.apply(new Map([['w', b]]), grads());
    expect(b.dataSync()).toEqual(a.dataSync());
    expect(second.step).toBe(4);
    expect(second.state().get('step')?.dataSync()[0]).toBe(4);
  });

  test('state of another model is an error that names the tensor', () => {
    const saved = make();
    saved.apply(new Map([['w', variable([1, 2])]]), grads());
    const load = (name: string, values: number[]) => () => {
      const optimizer = make();
      optimizer.loadState(saved.state());
      optimizer.apply(new Map([[name, variable(values)]]), new Map([[name, tf.tensor1d(values)]]));
    };
    expect(load('other', [1, 2])).toThrow('m.other is missing');
    expect(load('w', [1, 2, 3])).toThrow('expected m.w of shape [3], found [2]');
    const extra = make();
    extra.loadState(new Map([...saved.state(), ['m.gone', tf.zeros([1])]]));
    expect(() => extra.apply(new Map([['w', variable([1, 2])]]), grads())).toThrow(
      'm.gone in the loaded state',
    );
    // One that has made no update yet has a step and nothing else.
    const fresh = make();
    fresh.loadState(make().state());
    expect(fresh.step).toBe(0);
    fresh.apply(new Map([['w', tf.variable(tf.tensor1d([1]))]]), new Map([['w', tf.tensor1d([1])]]));
    expect(() => make().loadState(new Map())).toThrow(CheckpointError);
    expect(() => make().loadState(new Map([['step', tf.scalar(1.5)]]))).toThrow('found 1.5');
  });
});

test('names and shapes of gradients are checked before anything changes', () => {
  const [a, b] = [variable([1]), variable([1])];
  const optimizer = new AdamW({ schedule: rate(0.1) });
  const variables = new Map([
    ['a', a],
    ['b', b],
  ]);
  const one = tf.tensor1d([1]);
  expect(() => optimizer.apply(variables, new Map([['a', one]]))).toThrow('for b, got none');
  expect(() =>
    optimizer.apply(variables, new Map([...variables].map(([name]) => [name, tf.ones([2])]))),
  ).toThrow(ShapeError);
  const named = [...variables, ['c', a] as const].map(([name]): [string, tf.Tensor] => [name, one]);
  expect(() => optimizer.apply(variables, new Map(named))).toThrow('no variable named c');
  expect([a.dataSync()[0], b.dataSync()[0], optimizer.step]).toEqual([1, 1, 0]);
});

test.each([
  ['AdamW', () => new AdamW({ schedule: rate(0.1) })],
  ['Adafactor', () => new Adafactor({ schedule: rate(0.1), momentum: 0.9, minDimSizeToFactor: 1 })],
] as const)('%s leaves no tensors', (_, make) => {
  const before = tf.memory().numTensors;
  const w = tf.tidy(() => tf.variable(tf.ones([3, 2])));
  const grad = tf.ones([3, 2]);
  const optimizer = make();
  optimizer.apply(new Map([['w', w]]), new Map([['w', grad]]));
  const held = tf.memory().numTensors;
  optimizer.apply(new Map([['w', w]]), new Map([['w', grad]]));
  optimizer.state();
  expect(tf.memory().numTensors).toBe(held);
  optimizer.loadState(new Map(optimizer.state()));
  optimizer.dispose();
  tf.dispose([w, grad]);
  expect(tf.memory().numTensors).toBe(before);
});

describe('clipByGlobalNorm', () => {
  const grads = new Map<string, tf.Tensor>([
    ['a', tf.tensor1d([3])],
    ['b', tf.tensor2d([0, 4], [1, 2])],
  ]);
  const values = (clipped: Map<string, tf.Tensor>) => [...clipped.values()].flatMap((x) => [...x.dataSync()]);

  test('norm 5 by hand, clipped to 1 and not clipped', () => {
    const { grads: clipped, norm } = clipByGlobalNorm(grads, 1);
    expect(norm).toBe(5);
    expect(values(clipped).map((x) => x.toFixed(6))).toEqual(['0.600000', '0.000000', '0.800000']);
    expect(values(clipByGlobalNorm(grads, 6).grads)).toEqual([3, 0, 4]);
    expect(clipByGlobalNorm(new Map(), 1).norm).toBe(0);
  });

  test('NaN shows in the norm; no tensors are left; a bad maxNorm is an error', () => {
    expect(clipByGlobalNorm(new Map([['a', tf.tensor1d([Number.NaN])]]), 1).norm).toBeNaN();
    const before = tf.memory().numTensors;
    tf.dispose([...clipByGlobalNorm(grads, 1).grads.values()]);
    expect(tf.memory().numTensors).toBe(before);
    expect(() => clipByGlobalNorm(grads, 0)).toThrow(ConfigError);
  });
});

describe('a gradient scale', () => {
  test('is as scaled gradients, for AdamW', () => {
    const after = (gradient: number[], scale?: number) => {
      const w = variable([1, -2, 3]);
      const optimizer = new AdamW({ schedule: rate(0.1), epsilon: 0.1 });
      optimizer.apply(new Map([['w', w]]), new Map([['w', tf.tensor1d(gradient)]]), scale);
      return [...w.dataSync()];
    };
    expect(after([4, -8, 2], 0.25)).toEqual(after([1, -2, 0.5]));
    expect(after([4, -8, 2], 0.25)).not.toEqual(after([4, -8, 2]));
  });

  test('that clips: the norm of all, by hand', () => {
    const grads = new Map<string, tf.Tensor>([
      ['a', tf.tensor1d([3])],
      ['b', tf.tensor2d([0, 4], [1, 2])],
    ]);
    expect(globalNorm(grads)).toBe(5);
    expect([clipFactor(5, 1), clipFactor(5, 5), clipFactor(5, 6), clipFactor(0, 1)]).toEqual([0.2, 1, 1, 1]);
    expect(clipFactor(Number.NaN, 1)).toBeNaN();
    expect(() => clipFactor(1, 0)).toThrow(ConfigError);
  });
});

describeNative('the global norm on native', ['SumOfSquares'], () => {
  test.each([0, 1, 15, 16, 17, 4097, 100_003])('of %i values', (size) => {
    const x = Float32Array.from({ length: size }, (_, i) => ((i * 7919) % 1000) / 500 - 1);
    const expected = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
    expect(Math.abs(globalNorm(new Map([['x', tf.tensor1d(x)]])) - expected)).toBeLessThanOrEqual(
      1e-6 * expected,
    );
    if (size > 0) expect(globalNorm(new Map([['x', tf.tensor1d(x.fill(Number.NaN, size - 1))]]))).toBeNaN();
  });
});

describeNative('AdamW in place on native', ['AdamWUpdate'], () => {
  test("changes neither clones, nor views, nor the caller's array, nor what was read", () => {
    const source = new Float32Array(5000).fill(1);
    const initial = tf.tensor1d(source);
    const w = tf.variable(initial);
    const clone = tf.clone(w);
    const view = tf.slice(w, 0, 2500);
    const grads = new Map([['w', tf.ones([5000])]]);
    const optimizer = new AdamW({ schedule: rate(0.1) });
    optimizer.apply(new Map([['w', w]]), grads);
    const read = w.dataSync();
    const after = read[0] as number;
    expect(after).toBeCloseTo(0.9, 5);
    optimizer.apply(new Map([['w', w]]), grads);
    expect([source[0], initial.dataSync()[0], clone.dataSync()[0], view.dataSync()[0], read[0]]).toEqual([
      1,
      1,
      1,
      1,
      after,
    ]);
    expect(w.dataSync()[4999]).toBeCloseTo(0.8, 5);
  });

  test('writes in place where nobody else looks', () => {
    const w = tf.tidy(() => tf.variable(tf.ones([3])));
    const optimizer = new AdamW({ schedule: rate(0.1) });
    const { dataId } = w;
    optimizer.apply(new Map([['w', w]]), new Map([['w', tf.ones([3])]]));
    expect(w.dataId).toBe(dataId);
  });
});

test("weights in bfloat16: steps below a weight's last digit move it in the mean, and repeat for the same name and count", () => {
  const run = (format: WeightFormat): Float32Array => {
    const weight = tf.variable(tf.ones([4000]));
    const optimizer = new AdamW({ schedule: rate(1e-4), weights: format });
    const grads = new Map([['w', tf.ones([4000])]]);
    for (let step = 0; step < 40; step++) optimizer.apply(new Map([['w', weight]]), grads);
    const values = weight.dataSync() as Float32Array;
    tf.dispose([weight, ...grads.values()]);
    optimizer.dispose();
    return values;
  };
  const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value / values.length, 0);
  const [exact, narrow] = [run('float32'), run('bfloat16')];
  expect(mean(exact)).toBeCloseTo(1 - 40e-4, 5);
  // 40 steps of 1e-4, each far below the 0.0039 between neighbours under 1: rounding to the nearest would have moved nothing.
  expect(Math.abs(mean(narrow) - mean(exact))).toBeLessThan((6 * 0.0039) / Math.sqrt(4000));
  expect(new Set(narrow).size).toBeGreaterThan(1);
  expect(run('bfloat16')).toEqual(narrow);
});
