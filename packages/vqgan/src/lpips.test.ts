import { ConfigError, prngKey, ShapeError, valueAndGrads } from '@easel/core';
import { beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { FAST_BACKEND } from '../testing/backends.js';
import { Lpips, lpipsParameters } from './lpips.js';

// Distances beside taming's are cases of the conformance runner.

beforeAll(async () => void (await tf.setBackend(FAST_BACKEND)));

test('by hand: one feature of one place differs', () => {
  // All convolutions zero but for their biases: every place has the features (3, 4) on each level,
  // of length 5; the second picture cannot differ then. So a level's part is measured on its own:
  // with unit features u and v, the part is Σ w·(u − v)².
  const lpips = new Lpips([2, 2, 2, 2, 2]);
  const weights = lpips.namedWeights();
  tf.tidy(() => {
    // conv1_1 passes the red channel to feature 0; a bias of 1 makes feature 1 constant.
    const kernel = tf.buffer([3, 3, 3, 2]);
    kernel.set(1, 1, 1, 0, 0);
    weights.get('conv1_1.kernel')?.assign(kernel.toTensor());
    weights.get('conv1_1.bias')?.assign(tf.tensor1d([0, 1]));
    const same = tf.buffer([3, 3, 2, 2]);
    same.set(1, 1, 1, 0, 0);
    same.set(1, 1, 1, 1, 1);
    weights.get('conv1_2.kernel')?.assign(same.toTensor());
    weights.get('lin0.kernel')?.assign(tf.tensor4d([10, 100], [1, 1, 2, 1]));
    // Red after normalising is 0 in one picture and 3/4 … in the other: (x + 0.03)/0.458.
    const red = (value: number): tf.Tensor4D =>
      tf.concat([tf.fill([1, 16, 16, 1], value), tf.zeros([1, 16, 16, 2])], 3) as tf.Tensor4D;
    const [x, y] = [red(-0.03), red(0.75 * 0.458 - 0.03)]; // features (0, 1) and (0.75, 1), lengths 1 and 1.25
    const part = lpips.parts(x, y)[0]?.dataSync()[0];
    expect(part).toBeCloseTo(10 * 0.6 ** 2 + 100 * (1 - 0.8) ** 2, 4);
    expect(lpips.distance(x, y).dataSync()[0]).toBeCloseTo(part as number, 6); // the other levels weigh nothing
    expect(
      lpips
        .distance(x, y, {
          keep: Array.from({ length: 5 }, (_, k) => tf.zeros([1, 16 >> k, 16 >> k, 2])) as never,
        })
        .dataSync()[0],
    ).toBe(0);
  });
  lpips.dispose();
});

test('a place whose features are all 0 has a gradient: of a constant picture it is finite', () => {
  const lpips = new Lpips([2, 2, 2, 2, 2]); // weights are zeros, and so are all features
  const x = tf.variable(tf.zeros([1, 16, 16, 3])) as tf.Variable;
  const { grads } = valueAndGrads(
    () => tf.sum(lpips.distance(x as unknown as tf.Tensor4D, tf.ones([1, 16, 16, 3]))) as tf.Scalar,
    new Map([['x', x]]),
  );
  expect((grads.get('x') as tf.Tensor).dataSync().every((value) => value === 0)).toBe(true);
  tf.dispose([x, ...grads.values()]);
  lpips.dispose();
});

test('refuses other widths, small pictures and pictures of two shapes; leaves no tensor', () => {
  expect(() => new Lpips([1, 2, 3])).toThrow(ConfigError);
  const lpips = new Lpips([2, 2, 2, 2, 2]);
  const before = tf.memory().numTensors;
  tf.tidy(() => {
    expect(() => lpips.features(tf.zeros([1, 8, 16, 3]))).toThrow(/at least 16×16/);
    expect(() => lpips.distance(tf.zeros([1, 16, 16, 3]), tf.zeros([1, 16, 32, 3]))).toThrow(ShapeError);
    expect(() => lpips.call(tf.zeros([1, 16, 16, 3]))).toThrow(/two inputs/);
    expect(lpips.call([tf.zeros([2, 16, 16, 3]), tf.ones([2, 16, 16, 3])]).shape).toEqual([2]);
  });
  expect(tf.memory().numTensors).toBe(before);
  lpips.dispose();
});

test('names and shapes without a model', () => {
  const lpips = new Lpips([2, 3, 5, 7, 4]);
  const weights = [...lpips.namedWeights()].map(([name, { shape }]) => [name, shape]);
  expect(Object.fromEntries(lpipsParameters([2, 3, 5, 7, 4]))).toEqual(Object.fromEntries(weights));
  lpips.dispose();
});

test('dropout: half of the features at random, by key, of each level’s shape', () => {
  const lpips = new Lpips([2, 3, 5, 7, 4]);
  const masks = lpips.dropout(prngKey(3), [2, 32, 17, 3]);
  expect(masks.map(({ shape }) => shape)).toEqual([
    [2, 32, 17, 2],
    [2, 16, 8, 3],
    [2, 8, 4, 5],
    [2, 4, 2, 7],
    [2, 2, 1, 4],
  ]);
  const values = masks[0]?.dataSync() as Float32Array;
  const kept = values.reduce((sum, value) => sum + value, 0) / values.length;
  expect(Math.abs(kept - 0.5)).toBeLessThan(0.05); // 3 deviations of 2176 draws: 0.032
  expect(new Set(values)).toEqual(new Set([0, 1]));
  const again = lpips.dropout(prngKey(3), [2, 32, 17, 3]);
  expect([...(again[0]?.dataSync() ?? [])]).toEqual([...values]);
  tf.dispose([...masks, ...again]);
  lpips.dispose();
});
