import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import type { NativeBackend } from './backend.js';
import type { HeldValues } from './held-values.js';
import './index.js';

const backend = () => tf.backend() as NativeBackend;
const hold = (tensors: tf.TensorInfo[], writes = 1) => backend().hold(tensors, writes) as HeldValues;

let folder: string;
beforeEach(async () => {
  await tf.setBackend('native');
  backend().pool.poison = true;
  folder = await mkdtemp(join(tmpdir(), 'easel-held-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Holds the bytes that a write leaves in a file. */
async function written(held: HeldValues, order: number[], format: 'F32' | 'F16' | 'BF16' = 'F32') {
  const path = join(folder, 'file');
  const file = await open(path, 'w');
  await held.writeTo(file.fd, order, format);
  await file.close();
  return new Uint8Array(await readFile(path));
}

const bytesOf = (...arrays: ArrayBufferView[]) =>
  new Uint8Array(Buffer.concat(arrays.map((array) => new Uint8Array(array.buffer))));

/** A variable that nothing else shares data with. */
const variable = (values: Float32Array) => tf.tidy(() => tf.variable(tf.tensor1d(values)));

function adamStep(param: tf.Variable, m: tf.Variable, v: tf.Variable): void {
  const grad = tf.ones(param.shape);
  const settings = { learningRate: 1, beta1: 0.9, beta2: 0.9, epsilon: 1e-6, weightDecay: 0, step: 1 };
  tf.engine().runKernel('AdamWUpdate', { param, grad, m, v }, settings);
  grad.dispose();
}

describe('held values', () => {
  test('are written in the order asked for, of every dtype, after the position', async () => {
    const tensors = [tf.tensor1d([1.5, -2]), tf.tensor1d([7, 8, 9], 'int32'), tf.tensor1d([1, 0], 'bool')];
    const held = hold([...tensors, tf.tensor1d([])]);
    expect(await written(held, [1, 3, 0, 2])).toEqual(
      bytesOf(Int32Array.of(7, 8, 9), Float32Array.of(1.5, -2), Uint8Array.of(1, 0)),
    );
    held.release();
    tf.dispose(tensors);
  });

  test('stay those of the time they were held, whatever is updated, assigned or disposed then', async () => {
    for (const n of [3, 100_000]) {
      const start = Float32Array.from({ length: n }, (_, i) => i / 3);
      const [p, m, v] = [start, new Float32Array(n), new Float32Array(n)].map(variable) as [
        tf.Variable,
        tf.Variable,
        tf.Variable,
      ];
      const gone = tf.tensor1d(start);
      const held = hold([p, m, v, gone]);
      adamStep(p, m, v);
      v.assign(tf.tidy(() => tf.fill([n], 5)));
      gone.dispose();
      tf.dispose(tf.fill([n], 7)); // would take up the memory if it were free
      const expected = bytesOf(start, new Float32Array(n), new Float32Array(n), start);
      expect(Buffer.compare(await written(held, [0, 1, 2, 3]), expected)).toBe(0);
      held.release();
      expect(p.dataSync()[0]).toBeCloseTo(-1, 3);
      tf.dispose([p, m, v]);
    }
  });

  test('are let go: memory is as before, and updates happen in place again', async () => {
    const tensors = [1, 2, 3].map(() => variable(new Float32Array(50_000))) as [
      tf.Variable,
      tf.Variable,
      tf.Variable,
    ];
    const before = tf.memory() as unknown as { native: { liveBytes: number }; numTensors: number };
    const held = hold(tensors, 2);
    await Promise.all([written(held, [0, 1, 2]), held.begun.then(() => {}), written(held, [2, 0, 1])]);
    adamStep(...tensors);
    held.release();
    adamStep(...tensors);
    expect(tensors.map((tensor) => backend().isExclusive(tensor))).toEqual([true, true, true]);
    const after = tf.memory() as unknown as typeof before;
    expect(after.native.liveBytes).toBe(before.native.liveBytes);
    expect(after.numTensors).toBe(before.numTensors);
    const unused = hold(tensors);
    expect(backend().isExclusive(tensors[0])).toBe(false);
    unused.release();
    expect(backend().isExclusive(tensors[0])).toBe(true);
    tf.dispose(tensors);
  });

  test('a full disk or a closed file is an error with its code; the memory comes back', async () => {
    const tensor = variable(new Float32Array(10));
    const full = await open('/dev/full', 'w');
    const held = hold([tensor]);
    await expect(held.writeTo(full.fd, [0], 'F32')).rejects.toMatchObject({
      code: 'ENOSPC',
      syscall: 'write',
    });
    await full.close();
    held.release();
    expect(backend().isExclusive(tensor)).toBe(true);
    tensor.dispose();
  });
});
