import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { describeGpu, gpuBackend } from '../testing/gpu.js';
import { parametersLayout } from './dispatcher.js';

test('parameters lie where the struct of a shader has them', () => {
  const lengths = [1, 1, 3, 2, 1, 5, 1, 6, 4, 0];
  const offsets: number[] = [];
  const bytes = parametersLayout(
    lengths.map((length) => ({ type: 'int32', data: Array(length).fill(0) })),
    (offset) => offsets.push(offset),
  );
  // Vectors of 3 to 6 begin at multiples of 16, and so does what follows one of 5 or 6.
  expect(offsets).toEqual([0, 4, 16, 32, 40, 48, 80, 96, 128, 144]);
  expect(bytes).toBe(160);
});

describeGpu('dispatches', () => {
  test('several outputs, and one in place, among the kernels of tfjs', async () => {
    const backend = gpuBackend();
    const x = tf.tidy(() => tf.mul(tf.range(0, 700), 2));
    const [sum, difference] = [backend.allocate([700]), backend.allocate([700])];
    const add = (by: number) =>
      backend.dispatch({
        name: 'BothWays',
        bindings: [
          { name: 'x', tensor: x, access: 'inout' },
          { name: 'sum', tensor: sum, access: 'out' },
          { name: 'difference', tensor: difference, access: 'out' },
        ],
        words: { size: 700 },
        floats: { by },
        body: () => `
          let i = index * 256u + lane;
          if (i >= p.size) { return; }
          let value = x[i];
          sum[i] = value + p.by;
          difference[i] = value - p.by;
          x[i] = sum[i];`,
        workgroups: Math.ceil(700 / 256),
      });
    add(1);
    add(0.5);
    const read = async (info: tf.TensorInfo) => [...((await backend.read(info.dataId)) as Float32Array)];
    const range = Array.from({ length: 700 }, (_, i) => 2 * i);
    expect(await read(x)).toEqual(range.map((value) => value + 1.5));
    expect(await read(sum)).toEqual(range.map((value) => value + 1.5));
    expect(await read(difference)).toEqual(range.map((value) => value + 0.5));
    x.dispose();
    for (const { dataId } of [sum, difference]) backend.disposeData(dataId);
  });

  test('more workgroups than an axis holds, and more parameters than a submit', async () => {
    const backend = gpuBackend();
    const x = backend.allocate([1]);
    const count = 70_000;
    const y = backend.allocate([count]);
    backend.dispatch({
      name: 'Index',
      bindings: [{ name: 'y', tensor: y, access: 'out' }],
      words: { size: count },
      body: () => 'if (index < p.size) { y[index] = f32(index); }',
      lanes: 1,
      workgroups: count,
    });
    const values = (await backend.read(y.dataId)) as Float32Array;
    expect([values[0], values[65_535], values[count - 1]]).toEqual([0, 65_535, count - 1]);
    const { batch } = backend.dispatcher;
    backend.dispatcher.batch = 1e9;
    const one = (i: number) =>
      backend.dispatch({
        name: 'Counted',
        bindings: [{ name: 'x', tensor: x, access: 'inout' }],
        floats: { i },
        body: () => 'x[0] = select(x[0] + 1.0, 0.0, p.i == 0.0);',
        lanes: 1,
        workgroups: 1,
      });
    for (let i = 0; i < 5000; i++) one(i);
    backend.dispatcher.batch = batch;
    expect([...((await backend.read(x.dataId)) as Float32Array)]).toEqual([4999]);
    for (const { dataId } of [x, y]) backend.disposeData(dataId);
  });
});
