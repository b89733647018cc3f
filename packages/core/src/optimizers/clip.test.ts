import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { describeNative, onEachBackend } from '../../testing/backends.js';
import { ConfigError } from '../errors.js';
import { Adafactor } from './adafactor.js';
import { AdamW } from './adamw.js';
import { clipFactor, globalNorm, normOf, sumsOfSquares, updateScale } from './clip.js';
import type { Optimizer } from './optimizer.js';
import { DistributedShampoo } from './shampoo.js';

const [NAN, INFINITE] = [Number.NaN, Number.POSITIVE_INFINITY];

onEachBackend(() => {
  test('the norm of gradients 3 and (0, 4) is 5; of none it is 0', async () => {
    const grads = new Map<string, tf.Tensor>([
      ['a', tf.tensor1d([3])],
      ['b', tf.tensor2d([0, 4], [1, 2])],
    ]);
    const before = tf.memory().numTensors;
    expect(await globalNorm(grads)).toBe(5);
    expect(await globalNorm(new Map())).toBe(0);
    const squares = sumsOfSquares(grads.values());
    expect([...squares.dataSync()]).toEqual([9, 16]);
    expect(normOf(squares.dataSync())).toBe(5);
    squares.dispose();
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([...grads.values()]);
  });

  test.each([
    ['not clipped', [9, 16], null, [], 1],
    ['to 1', [9, 16], 1, [], 0.2],
    ['to its own norm', [9, 16], 5, [], 1],
    ['to more', [9, 16], 6, [2, -1], 1],
    ['of zeros', [0, 0, 0], 1, [], 1],
    ['of none', [], 1, [3], 1],
    ['of squares whose sum is no float32', [3e38, 3e38], 1e19, [], 0.40824829],
    ['of hardly anything', [4e-32], 1e-17, [], 0.05],
    ['a gradient that is NaN', [9, NAN], null, [], NAN],
    ['an infinite one', [INFINITE, 9], 1, [], NAN],
    ['a loss that is NaN', [9, 16], 1, [2, NAN], NAN],
    ['an infinite loss', [9, 16], null, [-INFINITE], NAN],
  ])('updateScale, %s', (_, sums, maxNorm, losses, expected) => {
    const squares = tf.tensor1d(sums);
    const finite = losses.map((loss) => tf.scalar(loss));
    const before = tf.memory().numTensors;
    const scale = updateScale(squares, { maxNorm, finite });
    expect(tf.memory().numTensors).toBe(before + 1);
    expect(scale.shape).toEqual([]);
    if (Number.isNaN(expected)) expect(scale.dataSync()[0]).toBeNaN();
    else expect(Math.abs((scale.dataSync()[0] as number) / expected - 1)).toBeLessThan(1e-6);
    if (expected === 1) expect(scale.dataSync()[0]).toBe(1);
    tf.dispose([squares, scale, ...finite]);
  });
});

test('clipFactor, by hand; a maxNorm that is not positive is an error', () => {
  expect([clipFactor(5, 1), clipFactor(5, 5), clipFactor(5, 6), clipFactor(0, 1)]).toEqual([0.2, 1, 1, 1]);
  expect(clipFactor(NAN, 1)).toBeNaN();
  expect(() => clipFactor(1, 0)).toThrow(ConfigError);
  expect(() => updateScale(tf.tensor1d([1]), { maxNorm: 0 })).toThrow(ConfigError);
});

describeNative('the global norm on native', ['SumOfSquares'], () => {
  test.each([0, 1, 15, 16, 17, 4097, 100_003])('of %i values', async (size) => {
    const x = Float32Array.from({ length: size }, (_, i) => ((i * 7919) % 1000) / 500 - 1);
    const expected = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
    const norm = await globalNorm(new Map([['x', tf.tensor1d(x)]]));
    expect(Math.abs(norm - expected)).toBeLessThanOrEqual(1e-6 * expected);
    if (size > 0) expect(await globalNorm(new Map([['x', tf.tensor1d(x.fill(NAN, size - 1))]]))).toBeNaN();
  });
});

const schedule = () => 0.1;
const optimizers: readonly [string, () => Optimizer][] = [
  ['AdamW', () => new AdamW({ schedule, epsilon: 0.1, weightDecay: 0.01 })],
  ['Adafactor, factored', () => new Adafactor({ schedule, momentum: 0.9, minDimSizeToFactor: 2 })],
  ['Adafactor, not factored', () => new Adafactor({ schedule, weightDecay: 0.01 })],
  [
    'Shampoo',
    () => new DistributedShampoo({ schedule, startPreconditioningStep: 1, preconditioningComputeSteps: 1 }),
  ],
  ['Shampoo in bytes', () => new DistributedShampoo({ schedule, quantized: true, graftType: 'adagrad' })],
  ['weights in bfloat16', () => new AdamW({ schedule, weights: 'bfloat16' })],
];

/** Another number everywhere. */
function values(seed: number): Float32Array {
  return Float32Array.from({ length: 15 }, (_, i) => ((i * 7 + seed * 11) % 31) / 16 - 0.9);
}

onEachBackend(() => {
  describe.each(optimizers)('a scale on the device, %s', (_, make) => {
    /**
     * Weights and state after two updates, and between them one with `refused` as its scale, which
     * is left unfinished.
     */
    async function run(
      scale: number | tf.Scalar,
      refused?: number | tf.Scalar,
    ): Promise<Map<string, unknown>> {
      const optimizer = make();
      const w = tf.tidy(() => tf.variable(tf.tensor2d(values(0), [5, 3])));
      const variables = new Map([['w', w]]);
      const grads = [1, 2, 3].map((seed) => tf.tensor2d(values(seed), [5, 3])) as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ];
      await optimizer.apply(variables, new Map([['w', grads[0]]]), scale);
      if (refused !== undefined) optimizer.begin(variables).take('w', grads[1], refused);
      await optimizer.apply(variables, new Map([['w', grads[2]]]), scale);
      const found = new Map<string, unknown>([['w', [...w.dataSync()]]]);
      for (const [name, tensor] of optimizer.state()) found.set(name, [...tensor.dataSync()]);
      optimizer.dispose();
      tf.dispose([w, ...grads]);
      return found;
    }

    test('is what a number is', async () => {
      const [half, one] = [tf.scalar(0.5), tf.scalar(1)];
      const before = tf.memory().numTensors;
      const clipped = await run(half);
      expect(tf.memory().numTensors).toBe(before);
      expect(clipped).toEqual(await run(0.5));
      expect(await run(one)).toEqual(await run(1));
      tf.dispose([half, one]);
    });

    test('that is NaN leaves weights and state as they are, bit for bit', async () => {
      const nan = tf.scalar(NAN);
      const untouched = await run(1);
      expect(await run(1, nan)).toEqual(untouched);
      expect(await run(1, NAN)).toEqual(untouched);
      expect(await run(1, 0.5)).not.toEqual(untouched);
      nan.dispose();
    });
  });
});
