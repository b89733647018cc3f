import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { setTarget, setThreads } from 'tfjs-backend-native';
import { describeNative } from '../../testing/backends.js';
import { Adafactor, type AdafactorConfig } from './adafactor.js';

type Config = Omit<AdafactorConfig, 'schedule'>;

const TARGETS = ['serial', 'avx2', 'avx512'] as const;

/** Values in [−1, 1) times 10 to a power from −3 to 0, so that columns differ in size. */
function values(size: number, seed: number): Float32Array {
  let state = seed * 2654435761;
  return Float32Array.from({ length: size }, (_, i) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) * 10 ** -(i % 4);
  });
}

/** Parameter and state after three updates on the backend in use. */
async function run(
  shape: number[],
  config: Config,
  scale: number | tf.Scalar = 1,
): Promise<Map<string, Float32Array>> {
  const size = shape.reduce((a, b) => a * b, 1);
  const variable = tf.tidy(() => tf.variable(tf.tensor(values(size, 1), shape)));
  const optimizer = new Adafactor({ schedule: () => 0.01, ...config });
  for (let step = 0; step < 3; step++) {
    const gradient = tf.tensor(values(size, step + 2), shape);
    await optimizer.apply(new Map([['w', variable]]), new Map([['w', gradient]]), scale);
    gradient.dispose();
  }
  const result = new Map(
    [...optimizer.state(), ['w', variable] as const].map(([k, x]) => [k, x.dataSync() as Float32Array]),
  );
  optimizer.dispose();
  variable.dispose();
  return result;
}

function expectClose(got: Map<string, Float32Array>, expected: Map<string, Float32Array>): void {
  expect([...got.keys()]).toEqual([...expected.keys()]);
  for (const [name, wanted] of expected) {
    const found = got.get(name) as Float32Array;
    const size = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    for (const [i, value] of wanted.entries())
      if (!(Math.abs((found[i] as number) - value) <= 2e-6 * size + 2e-5 * Math.abs(value)))
        throw new Error(`${name}[${i}]: got ${found[i]}, expected ${value}`);
  }
}

describeNative('Adafactor in place, against tfjs operations on cpu', ['AdafactorUpdate'], () => {
  const small = { minDimSizeToFactor: 4 };
  const cases: [string, number[], Config][] = [
    ['columns the larger', [5, 37], small],
    ['rows the larger', [37, 5], small],
    ['square', [17, 17], small],
    ['several matrices', [2, 3, 9, 7], small],
    ['a row wider than a piece of work', [4, 20011], small],
    ['many rows', [9001, 4], small],
    ['largest axes apart: plain', [9, 2, 7], small],
    ['not factored', [3, 131], {}],
    ['a vector', [1000], {}],
    ['a scalar', [], {}],
    ['momentum and decay', [9, 20], { ...small, momentum: 0.9, weightDecay: 0.01 }],
    ['momentum and decay, not factored', [131], { momentum: 0.9, weightDecay: 0.01 }],
    [
      'no clipping, no scale',
      [9, 20],
      { ...small, clippingThreshold: null, multiplyByParameterScale: false },
    ],
    ['low threshold, epsilon', [9, 20], { ...small, clippingThreshold: 0.1, epsilon: 1e-3 }],
    ['low threshold, not factored', [131], { clippingThreshold: 0.1 }],
  ];
  test.each(cases)('%s', async (_, shape, config) => {
    await tf.setBackend('cpu');
    const expected = await run(shape, config, 0.5);
    await tf.setBackend('native');
    const before = setTarget('serial');
    try {
      for (const target of TARGETS) {
        try {
          setTarget(target);
        } catch {
          continue; // not on this machine
        }
        const got = await run(shape, config, 0.5);
        expectClose(got, expected);
        const threads = setThreads(1);
        expect(await run(shape, config, 0.5)).toEqual(got);
        setThreads(threads);
      }
    } finally {
      setTarget(before);
    }
  });

  test('leaves no tensors, and a NaN in the gradient shows', async () => {
    const numTensors = tf.memory().numTensors;
    await run([9, 20], small);
    expect(tf.memory().numTensors).toBe(numTensors);
    const w = tf.tidy(() => tf.variable(tf.ones([4, 4])));
    const optimizer = new Adafactor({ schedule: () => 0.01, ...small });
    await optimizer.apply(new Map([['w', w]]), new Map([['w', tf.fill([4, 4], Number.NaN)]]));
    expect([...w.dataSync()].every(Number.isNaN)).toBe(true);
  });
});

describe('Adafactor', () => {
  test('one update of a vector by hand', async () => {
    await tf.setBackend('cpu');
    // t = 1: ρ = 0, so v = g² and u = sign(g); rms(u) = 1; rms(p) = √((9 + 16)/2) = 3.5355; p −
    // 0.1·3.5355·sign(g).
    const w = tf.tidy(() => tf.variable(tf.tensor1d([3, 4])));
    const optimizer = new Adafactor({ schedule: () => 0.1 });
    await optimizer.apply(new Map([['w', w]]), new Map([['w', tf.tensor1d([-2, 0.5])]]));
    expect([...w.dataSync()].map((x) => x.toFixed(4))).toEqual(['3.3536', '3.6464']);
  });
});
