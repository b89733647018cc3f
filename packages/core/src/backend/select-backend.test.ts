import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { gpuStatus } from 'tfjs-backend-gpu';
import { nativeStatus } from 'tfjs-backend-native';
import { ConfigError, EaselError } from '../errors.js';
import { backendNames, describeBackends, selectBackend } from './select-backend.js';

const before = process.env.EASEL_BACKEND;
beforeEach(() => {
  delete process.env.EASEL_BACKEND;
});
afterEach(() => {
  if (before === undefined) delete process.env.EASEL_BACKEND;
  else process.env.EASEL_BACKEND = before;
});

describe('selectBackend', () => {
  test.each(['cpu', 'wasm'])('%s by name computes', async (name) => {
    const choice = await selectBackend(name);
    expect(choice).toMatchObject({ name, tried: [{ name, ok: true }] });
    expect(choice.reason).toMatch(/^asked for by name: /);
    expect(tf.getBackend()).toBe(name);
    expect(await tf.square(tf.tensor1d([3])).data()).toEqual(Float32Array.of(9));
  });

  test('auto takes native where its addon loads, else wasm, and says why', async () => {
    const { available } = nativeStatus();
    const choice = await selectBackend();
    expect(choice.name).toBe(available ? 'native' : 'wasm');
    expect(choice.tried.map(({ name, ok }) => [name, ok])).toEqual(
      available
        ? [['native', true]]
        : [
            ['native', false],
            ['wasm', true],
          ],
    );
    if (!available) expect(choice.tried[0]?.reason).toContain('install');
    expect(choice.reason).toContain('the first of native, wasm, cpu that runs here');
  });

  test('EASEL_BACKEND decides, a name given decides over it', async () => {
    process.env.EASEL_BACKEND = 'cpu';
    const choice = await selectBackend();
    expect([choice.name, choice.reason.startsWith('asked for by EASEL_BACKEND')]).toEqual(['cpu', true]);
    expect((await selectBackend('wasm')).name).toBe('wasm');
    process.env.EASEL_BACKEND = '';
    expect(['native', 'wasm']).toContain((await selectBackend()).name);
  });

  test('an unknown name is an error with the nearest', async () => {
    await expect(selectBackend('wsam')).rejects.toThrow(ConfigError);
    await expect(selectBackend('wams')).rejects.toThrow(
      'one of auto, native, wasm, cpu, gpu, tensorflow, webgpu',
    );
    await expect(selectBackend('natve')).rejects.toThrow('Did you mean "native"?');
    process.env.EASEL_BACKEND = 'tpu';
    await expect(selectBackend()).rejects.toThrow('got "tpu" by EASEL_BACKEND');
  });

  test('tensorflow without its package is an error with the remedy', async () => {
    await tf.setBackend('cpu');
    await expect(selectBackend('tensorflow')).rejects.toThrow(EaselError);
    await expect(selectBackend('tensorflow')).rejects.toThrow('npm install @tensorflow/');
    expect(tf.getBackend()).toBe('cpu');
  });

  test('gpu computes where there is one, and says which; else the error says what to do', async () => {
    await tf.setBackend('cpu');
    const status = await gpuStatus();
    if (status.available) {
      const choice = await selectBackend('gpu');
      expect(choice.reason).toContain(status.adapter);
      expect(choice.reason).toMatch(/bindings of \d+ MiB; \d+ tensors a shader; it has .*; it lacks /);
      expect(tf.getBackend()).toBe('gpu');
      await tf.setBackend('cpu');
    } else {
      await expect(selectBackend('gpu')).rejects.toThrow(/npm install webgpu|needs a driver/);
      expect(tf.getBackend()).toBe('cpu');
    }
  });
});

test('describeBackends lists every backend and leaves the current one', async () => {
  await tf.setBackend('cpu');
  const tensors = tf.memory().numTensors;
  const described = await describeBackends();
  expect(['auto', ...described.map(({ name }) => name)]).toEqual(backendNames);
  const by = (name: string) => described.find((entry) => entry.name === name);
  expect(by('cpu')).toMatchObject({ available: true, version: '4.22.0' });
  expect(by('wasm')).toMatchObject({ available: true, version: '4.22.0' });
  expect(by('native')?.available).toBe(nativeStatus().available);
  expect(by('tensorflow')).toMatchObject({ available: false });
  expect(tf.getBackend()).toBe('cpu');
  expect(tf.memory().numTensors).toBe(tensors);
});
