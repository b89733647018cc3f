import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { onEachBackend } from '../../testing/backends.js';
import { gradientError, leakedTensors, sample } from '../../testing/gradient-check.js';
import { ShapeError } from '../errors.js';
import { FUSABLE_ACTIVATIONS, type FusableActivation } from './activation.js';
import { gatedActivation } from './gated-activation.js';

const NAMES = Object.keys(FUSABLE_ACTIVATIONS) as FusableActivation[];

onEachBackend(() => {
  test('by hand: relu and silu', async () => {
    const [gate, up] = [tf.tensor1d([-2, 0, 1, 3]), tf.tensor1d([5, 5, -7, 2])];
    expect([...(await gatedActivation(gate, up, 'relu').data())]).toEqual([0, 0, -7, 6]);
    // The gated value is twice 3·σ(3) = 2.8577223805.
    const silu = await gatedActivation(gate, up, 'silu').data();
    expect(silu[3]).toBeCloseTo(5.715444761, 5);
  });

  describe.each(NAMES)('%s', (name) => {
    test('gradients of gate and up against finite differences', () => {
      // Steps of 1e-2 must not cross relu's corner.
      const gate = tf.tidy(() => tf.add(tf.mul(tf.sign(sample([3, 7], 1)), 0.05), sample([3, 7], 1)));
      const f = (g?: tf.Tensor, u?: tf.Tensor) => gatedActivation(g as tf.Tensor, u as tf.Tensor, name);
      expect(gradientError(f, [gate, sample([3, 7], 2)])).toBeLessThan(1e-3);
    });

    test('NaN stays NaN; size 0; no tensors left', async () => {
      const y = await gatedActivation(
        tf.tensor1d([Number.NaN, 1]),
        tf.tensor1d([1, Number.NaN]),
        name,
      ).data();
      expect([...y]).toEqual([Number.NaN, Number.NaN]);
      expect(gatedActivation(tf.zeros([0, 3]), tf.zeros([0, 3]), name).shape).toEqual([0, 3]);
      const [gate, up] = [sample([2, 3], 1), sample([2, 3], 2)];
      expect(leakedTensors(() => gatedActivation(gate, up, name))).toBe(0);
      const grads = () =>
        tf.tidy(() =>
          tf.grads((g, u) => tf.sum(gatedActivation(g as tf.Tensor, u as tf.Tensor, name)))([gate, up]),
        );
      expect(leakedTensors(grads)).toBe(0);
    });
  });

  test('shapes that differ are named', () => {
    expect(() => gatedActivation(tf.ones([2, 3]), tf.ones([3]), 'gelu')).toThrow(ShapeError);
    expect(() => gatedActivation(tf.ones([2, 3]), tf.ones([3]), 'gelu')).toThrow('got [2,3] and [3]');
  });
});
