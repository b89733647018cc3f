import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { type FloatDtype, fromFloat32, serialize } from 'safetensors-ts';
import 'tfjs-backend-native';
import { AdamW } from '../optimizers/adamw.js';
import { constantSchedule } from '../optimizers/schedules.js';
import { holdTensors } from './held-tensors.js';
import { saveSafetensors } from './save.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'easel-held-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
  await tf.setBackend('native');
});

/** Values of every magnitude and both signs, ties of both narrow formats among them. */
function everyMagnitude(): Float32Array {
  const bits = new Uint32Array(1 << 20);
  for (let i = 0; i < bits.length; i++)
    bits[i] = (i << 12) ^ (Math.imul(i, 2654435761) >>> (i % 3 ? 20 : 32));
  const special = [
    0,
    -0,
    65504,
    65519.99,
    65520,
    2 ** -24,
    2 ** -25,
    1.5 * 2 ** -25,
    Infinity,
    -Infinity,
    Number.NaN,
  ];
  return Float32Array.from([
    ...special,
    ...new Float32Array(bits.buffer).filter((value) => !Number.isNaN(value)),
  ]);
}

describe('holdTensors', () => {
  test.each(['F32', 'F16', 'BF16'] as FloatDtype[])('as %s: the bytes of the plain writer', async (dtype) => {
    await tf.setBackend('native');
    const data = everyMagnitude();
    const tensor = tf.tensor1d(data);
    const [held, plain] = [join(folder, 'held'), join(folder, 'plain')];
    await saveSafetensors(held, new Map([['x', tensor]]), { dtype });
    await saveSafetensors(plain, new Map([['x', { data, shape: [data.length] }]]), { dtype });
    tensor.dispose();
    expect(Buffer.compare(await readFile(held), await readFile(plain))).toBe(0);
    expect(fromFloat32(data, dtype).byteLength).toBe(data.length * (dtype === 'F32' ? 4 : 2));
  });

  test('two files of one moment, while an optimizer goes on', async () => {
    await tf.setBackend('native');
    const variables = new Map(
      ['b', 'a'].map((name, i) => [name, tf.tidy(() => tf.variable(tf.fill([9000], i)))]),
    );
    const optimizer = new AdamW({ schedule: constantSchedule({ learningRate: 0.1 }) });
    const step = async () => {
      const grads = new Map([...variables.keys()].map((name) => [name, tf.ones([9000])]));
      await optimizer.apply(variables, grads);
      tf.dispose([...grads.values()]);
    };
    await step();
    const values = new Map([...variables].map(([name, variable]) => [name, variable.dataSync()]));
    const held = holdTensors(variables, 2);
    if (held === undefined) throw new Error('the native backend holds tensors');
    const saved = ['one', 'two'].map((name) => saveSafetensors(join(folder, name), held));
    await held.begun;
    for (let i = 0; i < 3; i++) await step();
    await Promise.all(saved);
    held.release();
    const expected = serialize(
      [...values].map(([name, data]) => ({ name, dtype: 'F32' as const, shape: [9000], data })),
    );
    for (const name of ['one', 'two'])
      expect(new Uint8Array(await readFile(join(folder, name)))).toEqual(expected);
    expect(variables.get('a')?.dataSync()[0]).not.toBe(values.get('a')?.[0]);
    optimizer.dispose();
    tf.dispose([...variables.values()]);
  });

  test('gives nothing on a backend that writes no files, nor for text', async () => {
    await tf.setBackend('native');
    const text = tf.tensor(['a']);
    expect(holdTensors(new Map([['t', text]]))).toBeUndefined();
    text.dispose();
    await tf.setBackend('cpu');
    expect(holdTensors(new Map())).toBeUndefined();
  });
});
