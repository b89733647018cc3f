import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { onEachBackend } from '../../testing/backends.js';
import { gradientError, leakedTensors, sample } from '../../testing/gradient-check.js';
import { ConfigError } from '../errors.js';
import { activation, activationNames, smelu } from './activation.js';

onEachBackend(() => {
  // By arbitrary-precision arithmetic from the formulas of the docstrings.
  const VALUES: Record<string, [x: number, y: number][]> = {
    gelu: [
      [-3, -0.0040496942],
      [-0.5, -0.1542687694],
      [0, 0],
      [1, 0.8413447461],
      [3, 2.9959503058],
    ],
    gelu_new: [
      [-3, -0.003637392],
      [-0.5, -0.1542859832],
      [0, 0],
      [1, 0.8411919906],
      [3, 2.996362608],
    ],
    relu: [
      [-3, 0],
      [0, 0],
      [2.5, 2.5],
    ],
    silu: [
      [-3, -0.1422776195],
      [0, 0],
      [1, 0.7310585786],
      [3, 2.8577223805],
    ],
    quick_gelu: [
      [-1, -0.1542052352],
      [0, 0],
      [1, 0.8457947648],
    ],
    // Not the published function: ¼ at and below −1.
    smelu: [
      [-5, 0.25],
      [-1, 0.25],
      [-0.5, 0.0625],
      [0, 0.25],
      [0.5, 0.5625],
      [1, 1],
      [4, 4],
    ],
  };

  describe.each(Object.keys(VALUES))('%s', (name) => {
    const f = activation(name);

    test('values', async () => {
      const cases = VALUES[name] as [number, number][];
      const y = await f(tf.tensor1d(cases.map(([x]) => x))).data();
      // 3e-6: tfjs's erf is a polynomial with an error of 1.5e-7, multiplied by |x|/2.
      for (const [i, [, expected]] of cases.entries())
        expect(Math.abs((y[i] as number) - expected)).toBeLessThan(3e-6);
    });

    test('keeps shape, leaves no tensors, also of size 0', () => {
      const x = sample([2, 3, 5]);
      expect(leakedTensors(() => f(x))).toBe(0);
      expect(tf.tidy(() => f(sample([2, 3, 5])).shape)).toEqual([2, 3, 5]);
      expect(tf.tidy(() => f(tf.zeros([0, 3])).shape)).toEqual([0, 3]);
    });

    // smelu's gradient is not its derivative; it has a test of its own.
    if (name !== 'smelu')
      test('gradient against finite differences', () => {
        const x = tf.mul(sample([17]), 3);
        expect(gradientError((x) => f(x as tf.Tensor), [x])).toBeLessThan(2e-3);
      });
  });

  test('smelu has gradient 1, and 0 at exactly ±1, as upstream', async () => {
    const gradient = tf.grad((x) => tf.mul(smelu(x), 2))(tf.tensor1d([-3, -1, -0.5, 0, 0.5, 1, 3]));
    expect(await gradient.data()).toEqual(Float32Array.of(2, 0, 2, 2, 2, 0, 2));
  });

  test('activation: swish is silu, unknown names are errors with the nearest', () => {
    expect(activation('swish')).toBe(activation('silu'));
    expect(activationNames).toEqual(['gelu', 'gelu_new', 'relu', 'silu', 'swish', 'quick_gelu', 'smelu']);
    expect(() => activation('gelu_newer')).toThrow(ConfigError);
    expect(() => activation('gelu_newer')).toThrow('Did you mean "gelu_new"?');
    for (const name of ['tanh', 'gelu_pytorch_tanh', 'toString', ''])
      expect(() => activation(name)).toThrow(ConfigError);
  });
});
