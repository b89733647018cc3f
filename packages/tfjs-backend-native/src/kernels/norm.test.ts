import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { difference, someValues, underEachTarget } from '../../testing/against-cpu.js';
import { setThreads } from '../addon.js';
import type { NativeBackend } from '../backend.js';
import '../index.js';

beforeAll(() => {
  tf.setBackend('native');
  (tf.backend() as NativeBackend).pool.poison = true;
});

const runKernel = (name: string, inputs: Record<string, tf.Tensor>, attrs: object) =>
  tf
    .engine()
    .runKernel(name, inputs as tf.NamedTensorMap, attrs as tf.NamedAttrMap) as unknown as tf.Tensor[];
const near = { absolute: 4e-6, relative: 4e-6 };

/** y, mean and rstd of rows of `width`, in double precision. */
function layerNormOf(
  x: Float64Array,
  width: number,
  scale: ArrayLike<number>,
  bias: ArrayLike<number>,
  epsilon: number,
  rms: boolean,
) {
  const rows = x.length / width;
  const y = new Float64Array(x.length);
  for (let r = 0; r < rows; r++) {
    const row = x.subarray(r * width, (r + 1) * width);
    const mean = rms ? 0 : row.reduce((a, b) => a + b, 0) / width;
    const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / width;
    for (let i = 0; i < width; i++)
      y[r * width + i] =
        (((row[i] as number) - mean) / Math.sqrt(variance + epsilon)) * (scale[i] ?? 1) + (bias[i] ?? 0);
  }
  return y;
}

/** Group norm of [batch, pixels, channels], in double precision. */
function groupNormOf(
  x: Float64Array,
  [batch, pixels, channels]: number[],
  groups: number,
  scale: ArrayLike<number>,
  bias: ArrayLike<number>,
  epsilon: number,
  swish: boolean,
) {
  const y = new Float64Array(x.length);
  const width = (channels as number) / groups;
  for (let b = 0; b < (batch as number); b++) {
    for (let g = 0; g < groups; g++) {
      const at: number[] = [];
      for (let p = 0; p < (pixels as number); p++)
        for (let c = g * width; c < (g + 1) * width; c++)
          at.push((b * (pixels as number) + p) * (channels as number) + c);
      const mean = at.reduce((sum, i) => sum + (x[i] as number), 0) / at.length;
      const variance = at.reduce((sum, i) => sum + ((x[i] as number) - mean) ** 2, 0) / at.length;
      for (const i of at) {
        const c = i % (channels as number);
        const z =
          (((x[i] as number) - mean) / Math.sqrt(variance + epsilon)) * (scale[c] as number) +
          (bias[c] as number);
        y[i] = swish ? z / (1 + Math.exp(-z)) : z;
      }
    }
  }
  return y;
}

/** Gradient of Σ dy·f(x) by central differences, for `count` elements of x. */
function slopes(f: (x: Float64Array) => Float64Array, x: ArrayLike<number>, dy: ArrayLike<number>): number[] {
  const h = 1e-4;
  const total = (at: Float64Array) => f(at).reduce((sum, y, i) => sum + y * (dy[i] as number), 0);
  return Array.from(x, (value, i) => {
    const moved = Float64Array.from(x);
    moved[i] = value + h;
    const above = total(moved);
    moved[i] = value - h;
    return (above - total(moved)) / (2 * h);
  });
}

describe('LayerNorm', () => {
  const cases: [number, number, boolean, boolean, boolean][] = [];
  for (const width of [1, 7, 17, 33])
    for (const rms of [false, true])
      for (const [hasScale, hasBias] of [
        [true, true],
        [false, true],
        [true, false],
        [false, false],
      ] as const)
        cases.push([3, width, rms, hasScale, hasBias]);

  test.each(cases)(
    '[2, %d, %d] rms %s, scale %s, bias %s: forward and gradients',
    (rows, width, rms, hasScale, hasBias) => {
      const count = 2 * rows * width;
      const values = someValues(count, 2, 3).map((v) => v + 1);
      const factors = hasScale ? someValues(width, 2, 4) : [];
      const shifts = hasBias ? someValues(width, 2, 5) : [];
      const steps = someValues(count, 1, 6);
      const epsilon = 1e-3;
      const x = tf.tensor3d(values, [2, rows, width]);
      const dy = tf.tensor3d(steps, [2, rows, width]);
      const scale = tf.tensor1d(factors);
      const bias = tf.tensor1d(shifts);
      const f = (at: Float64Array) => layerNormOf(at, width, factors, shifts, epsilon, rms);
      const expected = f(Float64Array.from(values));
      const expectedDx = slopes(f, values, steps);
      const plain = layerNormOf(Float64Array.from(values), width, [], [], epsilon, rms);
      const column = (of: (i: number) => number) =>
        Array.from({ length: width }, (_, j) => {
          let sum = 0;
          for (let i = j; i < count; i += width) sum += of(i);
          return sum;
        });
      underEachTarget(() => {
        const inputs = { x, ...(hasScale ? { scale } : {}), ...(hasBias ? { bias } : {}) };
        const [y, mean, rstd] = runKernel('LayerNorm', inputs, { epsilon, rms }) as [
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
        ];
        expect(mean.shape).toEqual([2 * rows]);
        expect(difference(y.dataSync(), expected, near)).toBeUndefined();
        const [dx, dScale, dBias] = runKernel(
          'LayerNormGrad',
          { dy, x, mean, rstd, ...(hasScale ? { scale } : {}) },
          { rms, hasBias },
        ) as [tf.Tensor, tf.Tensor, tf.Tensor];
        expect(difference(dx.dataSync(), expectedDx, { absolute: 2e-4, relative: 1e-4 })).toBeUndefined();
        const wantedScale = hasScale ? column((i) => (steps[i] as number) * (plain[i] as number)) : [];
        const wantedBias = hasBias ? column((i) => steps[i] as number) : [];
        expect(difference(dScale.dataSync(), wantedScale, near)).toBeUndefined();
        expect(difference(dBias.dataSync(), wantedBias, near)).toBeUndefined();
        tf.dispose([y, mean, rstd, dx, dScale, dBias]);
      });
      tf.dispose([x, dy, scale, bias]);
    },
  );

  test('a large mean costs no accuracy of the variance', () => {
    const values = someValues(64).map((v) => v + 4096);
    const x = tf.tensor2d(values, [2, 32]);
    underEachTarget(() => {
      const [y, mean, rstd] = runKernel('LayerNorm', { x }, { epsilon: 1e-5, rms: false }) as tf.Tensor[];
      const expected = layerNormOf(Float64Array.from(values), 32, [], [], 1e-5, false);
      expect(
        difference((y as tf.Tensor).dataSync(), expected, { absolute: 1e-3, relative: 1e-3 }),
      ).toBeUndefined();
      tf.dispose([y, mean, rstd] as tf.Tensor[]);
    });
    x.dispose();
  });

  test('shapes that do not fit are refused', () => {
    const x = tf.zeros([2, 3]);
    const scale = tf.zeros([2]);
    expect(() => runKernel('LayerNorm', { x, scale }, { epsilon: 1e-5 })).toThrow(
      /expected scale \[3\], got \[2\]/,
    );
    tf.dispose([x, scale]);
  });
});

describe('GroupNorm', () => {
  const cases: [number, number, number, number, boolean][] = [
    [1, 1, 4, 2, false],
    [2, 5, 6, 3, true],
    [3, 7, 8, 8, false],
    [2, 11, 34, 2, true],
    [1, 13, 5, 1, true],
  ];
  test.each(cases)(
    'batch %d, pixels %d, channels %d, groups %d, swish %s: forward and gradients',
    (batch, pixels, channels, groups, swish) => {
      const count = batch * pixels * channels;
      const values = someValues(count, 2, 3).map((v) => v + 1);
      const factors = someValues(channels, 2, 4);
      const shifts = someValues(channels, 2, 5);
      const steps = someValues(count, 1, 6);
      const epsilon = 1e-3;
      const shape = [batch, pixels, channels];
      const x = tf.tensor(values, [batch, pixels, 1, channels]);
      const dy = tf.tensor(steps, [batch, pixels, 1, channels]);
      const scale = tf.tensor1d(factors);
      const bias = tf.tensor1d(shifts);
      const f = (at: Float64Array) => groupNormOf(at, shape, groups, factors, shifts, epsilon, swish);
      const expected = f(Float64Array.from(values));
      const fixed = Float64Array.from(values);
      const expectedDx = slopes(f, values, steps);
      const expectedScale = slopes(
        (s) => groupNormOf(fixed, shape, groups, s, shifts, epsilon, swish),
        factors,
        steps,
      );
      const expectedBias = slopes(
        (b) => groupNormOf(fixed, shape, groups, factors, b, epsilon, swish),
        shifts,
        steps,
      );
      underEachTarget(() => {
        const [y, mean, rstd] = runKernel('GroupNorm', { x, scale, bias }, { groups, epsilon, swish }) as [
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
        ];
        expect(mean.shape).toEqual([batch, groups]);
        expect(difference(y.dataSync(), expected, near)).toBeUndefined();
        const [dx, dScale, dBias] = runKernel(
          'GroupNormGrad',
          { dy, x, mean, rstd, scale, bias },
          { groups, swish },
        ) as [tf.Tensor, tf.Tensor, tf.Tensor];
        const slack = { absolute: 2e-4, relative: 1e-4 };
        expect(difference(dx.dataSync(), expectedDx, slack)).toBeUndefined();
        expect(difference(dScale.dataSync(), expectedScale, slack)).toBeUndefined();
        expect(difference(dBias.dataSync(), expectedBias, slack)).toBeUndefined();
        tf.dispose([y, mean, rstd, dx, dScale, dBias]);
      });
      tf.dispose([x, dy, scale, bias]);
    },
  );

  test('many parts, a large mean; the same bits with one thread and three', () => {
    const shape = [2, 3001, 16];
    const values = someValues(2 * 3001 * 16).map((v) => v + 1000);
    const x = tf.tensor(values, [2, 3001, 1, 16]);
    const scale = tf.ones([16]);
    const bias = tf.zeros([16]);
    const expected = groupNormOf(
      Float64Array.from(values),
      shape,
      4,
      new Array(16).fill(1),
      new Array(16).fill(0),
      1e-6,
      false,
    );
    underEachTarget(() => {
      const forward = () => {
        const outputs = runKernel(
          'GroupNorm',
          { x, scale, bias },
          { groups: 4, epsilon: 1e-6, swish: false },
        );
        const y = outputs[0] as tf.Tensor;
        const grads = runKernel(
          'GroupNormGrad',
          { dy: x, x, mean: outputs[1] as tf.Tensor, rstd: outputs[2] as tf.Tensor, scale, bias },
          { groups: 4, swish: true },
        );
        const arrays = [y, ...grads].map((t) => t.dataSync().slice());
        tf.dispose([...outputs, ...grads]);
        return arrays;
      };
      const threads = setThreads(1);
      const single = forward();
      setThreads(3);
      expect(forward()).toEqual(single);
      setThreads(threads);
      expect(
        difference(single[0] as Float32Array, expected, { absolute: 3e-4, relative: 1e-3 }),
      ).toBeUndefined();
    });
    tf.dispose([x, scale, bias]);
  });

  test('groups that do not divide the channels are refused', () => {
    const x = tf.zeros([1, 2, 2, 6]);
    const scale = tf.zeros([6]);
    expect(() => runKernel('GroupNorm', { x, scale, bias: scale }, { groups: 4, epsilon: 1e-6 })).toThrow(
      /groups \(4\)/,
    );
    tf.dispose([x, scale]);
  });
});
