import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { difference, LENGTHS, someValues, underEachTarget } from '../../testing/against-cpu.js';
import type { NativeBackend } from '../backend.js';
import '../index.js';

const backend = () => tf.backend() as NativeBackend;

beforeAll(() => {
  tf.setBackend('native');
  backend().pool.poison = true;
});

const settings = { learningRate: 0.01, beta1: 0.9, beta2: 0.99, epsilon: 1e-6, weightDecay: 0.1 };
const update = (param: tf.Tensor, grad: tf.Tensor, m: tf.Tensor, v: tf.Tensor, step: number) =>
  tf.engine().runKernel('AdamWUpdate', { param, grad, m, v }, { ...settings, step });

/** A variable that nothing else shares data with. */
function variable(values: Float32Array, shape = [values.length]): tf.Variable {
  return tf.tidy(() => tf.variable(tf.tensor(values, shape)));
}

describe('AdamWUpdate', () => {
  test('three steps against double precision, at lengths around the vector width', () => {
    const { learningRate, beta1, beta2, epsilon, weightDecay } = settings;
    for (const n of [...LENGTHS, 40000]) {
      underEachTarget(() => {
        const start = someValues(n, 1, 3);
        const p = variable(start);
        const m = variable(new Float32Array(n));
        const v = variable(new Float32Array(n));
        const expected = Float64Array.from(start);
        const em = new Float64Array(n);
        const ev = new Float64Array(n);
        for (let step = 1; step <= 3; step++) {
          const gradient = someValues(n, 1, 10 + step);
          const g = tf.tensor1d(gradient);
          expect(update(p, g, m, v, step)).toEqual([]);
          g.dispose();
          for (let i = 0; i < n; i++) {
            const d = gradient[i] as number;
            em[i] = beta1 * (em[i] as number) + (1 - beta1) * d;
            ev[i] = beta2 * (ev[i] as number) + (1 - beta2) * d * d;
            const mean = (em[i] as number) / (1 - beta1 ** step);
            const square = (ev[i] as number) / (1 - beta2 ** step);
            expected[i] =
              (expected[i] as number) -
              learningRate * (mean / (Math.sqrt(square) + epsilon) + weightDecay * (expected[i] as number));
          }
        }
        const near = { absolute: 1e-6, relative: 1e-5 };
        expect(difference(p.dataSync(), expected, near)).toBeUndefined();
        expect(difference(m.dataSync(), em, near)).toBeUndefined();
        expect(difference(v.dataSync(), ev, near)).toBeUndefined();
        tf.dispose([p, m, v]);
      });
    }
  });

  test('snapshots, views, arrays that were read and the uploaded array keep their values', () => {
    const n = 6000;
    const uploaded = someValues(n, 1, 3);
    const before = uploaded.slice();
    const initial = tf.tensor1d(uploaded);
    const p = tf.variable(initial);
    const m = variable(new Float32Array(n));
    const v = variable(new Float32Array(n));
    const g = tf.ones([n]);
    const clone = p.clone();
    const view = p.slice([10], [4000]);
    const read = p.dataSync();
    update(p, g, m, v, 1);
    for (const unchanged of [uploaded, initial.dataSync(), clone.dataSync(), read])
      expect(difference(unchanged, before, { absolute: 0, relative: 0 })).toBeUndefined();
    const seen = view.dataSync();
    expect(difference(seen, before.slice(10, 4010), { absolute: 0, relative: 0 })).toBeUndefined();
    expect(p.dataSync()[0]).not.toBe(before[0]);
    tf.dispose([initial, p, m, v, g, clone, view]);
  });

  test('300 steps: no growth, and the variable stays where it is', () => {
    const p = variable(someValues(5000));
    const m = variable(new Float32Array(5000));
    const v = variable(new Float32Array(5000));
    const step = (i: number) => {
      const loss = tf.variableGrads(() => p.square().mean() as tf.Scalar, [p]);
      update(p, loss.grads[p.name] as tf.Tensor, m, v, i);
      tf.dispose(loss as unknown as tf.TensorContainer);
    };
    for (let i = 1; i < 10; i++) step(i);
    const usage = backend().pool.usage();
    const { numTensors } = tf.memory();
    const { dataId } = p;
    for (let i = 10; i < 310; i++) step(i);
    expect(backend().pool.usage()).toEqual(usage);
    expect(tf.memory().numTensors).toBe(numTensors);
    expect(p.dataId).toBe(dataId);
    tf.dispose([p, m, v]);
  });

  test('a shared plain tensor, a wrong shape and step 0 are refused', () => {
    const p = variable(new Float32Array(3));
    const m = tf.zeros([3]);
    const shared = m.clone();
    const v = tf.zeros([3]);
    const g = tf.ones([3]);
    expect(() => update(p, g, m, v, 1)).toThrow(/AdamWUpdate: m shares its data/);
    shared.dispose();
    expect(() => update(p, tf.ones([1]), m, v, 1)).toThrow(/expected grad \[3\]/);
    expect(() => update(p, g, m, v, 0)).toThrow(/step counts from 1/);
    tf.dispose([p, m, v, g]);
  });
});

describe('UpdateRows', () => {
  const run = (cache: tf.Tensor, rows: tf.Tensor, position: number) =>
    tf.engine().runKernel('UpdateRows', { cache, rows }, { position }) as tf.Tensor;

  test('writes in place and shares the data', () => {
    const cache = tf.tensor3d(someValues(2 * 5 * 3), [2, 5, 3]).add(0) as tf.Tensor3D;
    const rows = tf.tensor3d([1, 2, 3, 4, 5, 6], [2, 1, 3]);
    const expected = [...cache.dataSync()];
    for (const [b, j] of [0, 1, 2].flatMap((j) => [[0, j] as const, [1, j] as const]))
      expected[(b * 5 + 3) * 3 + j] = b * 3 + j + 1;
    const result = run(cache, rows, 3);
    expect(result.dataId).toBe(cache.dataId);
    cache.dispose();
    expect([...result.dataSync()]).toEqual(expected);
    tf.dispose([result, rows]);
  });

  test('copies where a clone or a view would see it', () => {
    const cache = tf.zeros([1, 2, 2]);
    const clone = cache.clone();
    const rows = tf.ones([1, 1, 2]);
    const result = run(cache, rows, 0);
    expect([...clone.dataSync()]).toEqual([0, 0, 0, 0]);
    expect([...result.dataSync()]).toEqual([1, 1, 0, 0]);
    clone.dispose();
    const view = cache.slice([0, 0, 0], [1, 1, 2]);
    const second = run(cache, rows, 0);
    expect([...view.dataSync()]).toEqual([0, 0]);
    expect([...second.dataSync()]).toEqual([1, 1, 0, 0]);
    tf.dispose([cache, rows, result, view, second]);
  });

  test('rows go to places of their own in rows of their own', () => {
    const cache = tf.tensor3d(someValues(3 * 4 * 5), [3, 4, 5]);
    const expected = [...cache.dataSync()];
    const written = someValues(2 * 2 * 5, 1, 9);
    expected.splice((2 * 4 + 1) * 5, 10, ...written.subarray(0, 10));
    expected.splice((0 * 4 + 2) * 5, 10, ...written.subarray(10));
    const rows = tf.tensor3d(written, [2, 2, 5]);
    const [positions, cacheRows] = [tf.tensor1d([1, 2], 'int32'), tf.tensor1d([2, 0], 'int32')];
    const own = { cache, rows, positions, cacheRows };
    const result = tf.engine().runKernel('UpdateRows', own) as tf.Tensor;
    expect([...result.dataSync()]).toEqual(expected);
    tf.dispose([cache, rows, positions, cacheRows, result]);
  });

  test('positions and rows outside, and shapes that do not fit, are refused and leave nothing', () => {
    const cache = tf.zeros([3, 2, 4]);
    const rows = tf.ones([3, 1, 4]);
    const before = tf.memory().numTensors;
    expect(() => run(cache, rows, 2)).toThrow(/position from 0 to 1, got 2/);
    expect(() => tf.tidy(() => run(cache, tf.ones([2, 1, 4]), 0))).toThrow(/rows \[B, T, D\]/);
    const refused = (more: () => tf.NamedTensorMap, message: RegExp) =>
      expect(() => tf.tidy(() => tf.engine().runKernel('UpdateRows', { cache, rows, ...more() }))).toThrow(
        message,
      );
    const ints = (...values: number[]) => tf.tensor1d(values, 'int32');
    for (const outside of [-1, 2]) refused(() => ({ positions: ints(0, 1, outside) }), /within the cache/);
    for (const outside of [-1, 3]) refused(() => ({ cacheRows: ints(0, 1, outside) }), /rows of the cache/);
    refused(() => ({ positions: ints(0, 1) }), /positions int32 \[3\], got int32 \[2\]/);
    refused(() => ({ cacheRows: tf.ones([3]) }), /cacheRows int32 \[3\], got float32 \[3\]/);
    expect(tf.memory().numTensors).toBe(before);
    expect([...cache.dataSync()]).toEqual(Array(24).fill(0));
    tf.dispose([cache, rows]);
  });
});
