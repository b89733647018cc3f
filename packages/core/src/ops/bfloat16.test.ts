import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { nativeStatus, releaseMemory } from 'tfjs-backend-native';
import { onEachBackend } from '../../testing/backends.js';
import { plainToBfloat16, toBfloat16 } from './bfloat16.js';
import { linear } from './linear.js';
import { layerNorm } from './norm.js';
import { valueAndGrads } from './value-and-grads.js';

await tf.setBackend(nativeStatus().available ? 'native' : 'cpu');
const available = nativeStatus().available ? test : test.skip; // only native holds them narrow

const bitsOf = (values: ArrayLike<number>) => [...new Uint32Array(Float32Array.from(values).buffer)];

test('by hand: halves go to the even neighbour, NaN and infinities stay', () => {
  // 1 + 2⁻⁸ lies between 1 and 1 + 2⁻⁷; 1 + 3·2⁻⁸ between 1 + 2⁻⁷ and 1 + 2⁻⁶.
  const x = tf.tensor1d([
    1 + 2 ** -8,
    1 + 3 * 2 ** -8,
    1 + 2 ** -8 + 2 ** -20,
    -0,
    Number.NaN,
    Number.NEGATIVE_INFINITY,
  ]);
  const expected = [1, 1 + 2 ** -6, 1 + 2 ** -7, -0, Number.NaN, Number.NEGATIVE_INFINITY];
  for (const y of [toBfloat16(x), plainToBfloat16(x, null)]) {
    expect([...y.dataSync()]).toEqual(expected);
    y.dispose();
  }
  x.dispose();
});

available.each([0, 1, 2, 17, 1001])(
  '%d values: the kernel and the plain form, to the nearest and by chance',
  (size) => {
    const x = tf.randomNormal([size], 0, 1, 'float32', 3);
    for (const seed of [null, 0, 7, 2 ** 32 - 1])
      tf.tidy(() =>
        expect(bitsOf(toBfloat16(x, seed).dataSync())).toEqual(bitsOf(plainToBfloat16(x, seed).dataSync())),
      );
    x.dispose();
  },
);

available(
  'held in half the memory; kernels compute with it, views and other backends see its values',
  async () => {
    const bytes = () => (tf.memory() as unknown as { native: { liveBytes: number } }).native.liveBytes;
    const x = tf.randomNormal([100, 4096], 0, 1, 'float32', 5);
    const wide = plainToBfloat16(x, null);
    releaseMemory(); // so that y gets a block of its own size
    const before = bytes();
    const y = toBfloat16(x);
    expect(bytes() - before).toBeLessThan(0.6 * 4 * x.size);
    tf.tidy(() => {
      const same = (f: (x: tf.Tensor2D) => tf.Tensor) =>
        expect(bitsOf(f(y as tf.Tensor2D).dataSync())).toEqual(bitsOf(f(wide as tf.Tensor2D).dataSync()));
      same((x) => tf.matMul(x, x, false, true));
      same((x) => tf.add(x, 1));
      same((x) => layerNorm(x, undefined, undefined));
      same((x) => tf.reshape(x, [4096, 100]));
      same((x) => x);
      same((x) => tf.sum(x, 0));
    });
    expect(bytes() - before).toBeLessThan(0.6 * 4 * x.size); // lent for the time of a kernel
    tf.tidy(() =>
      expect([...tf.slice(y, [3, 5], [1, 2]).dataSync()]).toEqual([
        ...tf.slice(wide, [3, 5], [1, 2]).dataSync(),
      ]),
    );
    tf.dispose([y]);
    expect(bytes()).toBe(before);
    tf.dispose([x, wide]);
  },
);

available('a gradient from narrow activations: near that of float32, and nothing is left', () => {
  const [rows, width] = [64, 256];
  const x = tf.randomNormal([rows, width], 0, 1, 'float32', 1);
  const weights = new Map(
    [1, 2, 3].map((i) => [`w${i}`, tf.variable(tf.randomNormal([width, width], 0, 1 / 16, 'float32', i))]),
  );
  const f = () =>
    tf.tidy(() => {
      let y: tf.Tensor = x;
      for (const weight of weights.values())
        y = tf.add(y, linear(tf.relu(layerNorm(y, undefined, undefined)), weight));
      return tf.mean(tf.square(y)) as tf.Scalar;
    });
  const before = tf.memory().numTensors;
  const exact = valueAndGrads(f, weights);
  const narrow = valueAndGrads(f, weights, { narrowSaved: true });
  expect(narrow.value.dataSync()).toEqual(exact.value.dataSync()); // forwards all is float32
  for (const [name, gradient] of exact.grads) {
    const [a, b] = [gradient.dataSync(), (narrow.grads.get(name) as tf.Tensor).dataSync()];
    const norm = Math.hypot(...a);
    const distance = Math.hypot(...a.map((value, i) => value - (b[i] as number)));
    expect(distance / norm).toBeGreaterThan(0);
    expect(distance / norm).toBeLessThan(4e-3); // 2⁻⁹ a value at most, of some values
  }
  tf.dispose([exact.value, narrow.value, ...exact.grads.values(), ...narrow.grads.values()]);
  expect(tf.memory().numTensors).toBe(before);
  tf.dispose([x, ...weights.values()]);
});

/** What the plain form computes by arithmetic, by the bits: 16 are cut off after an addend. */
function byBits(values: Float32Array, seed: number | null): number[] {
  const half = Math.ceil(values.length / 2);
  const lowbias32 = (x: number) => {
    let y = Math.imul(x ^ (x >>> 16), 0x7feb352d);
    y = Math.imul(y ^ (y >>> 15), 0x846ca68b);
    return (y ^ (y >>> 16)) >>> 0;
  };
  return bitsOf(values).map((bits, i) => {
    if (Number.isNaN(values[i])) return Number.NaN;
    const chance = seed === null ? 0 : lowbias32((seed + (i % half)) >>> 0);
    const addend = seed === null ? 0x7fff + ((bits >>> 16) & 1) : i < half ? chance & 0xffff : chance >>> 16;
    return ((bits + addend) & 0xffff0000) >>> 0;
  });
}

onEachBackend(() => {
  test('every exponent, around its ends and halves: the plain form is what the bits say', () => {
    const patterns: number[] = [];
    for (let high = 0; high < 2 ** 16; high += 0x8) {
      const bits = (high | ((high >>> 9) & 0x7f)) >>> 0;
      for (const low of [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff, (high * 40503) & 0xffff])
        patterns.push(((bits << 16) | low) >>> 0);
    }
    const values = new Float32Array(Uint32Array.from(patterns).buffer);
    const x = tf.tensor1d(values);
    const before = tf.memory().numTensors;
    for (const seed of [null, 0, 7, 2 ** 32 - 1]) {
      const y = plainToBfloat16(x, seed);
      expect(tf.memory().numTensors).toBe(before + 1);
      const got = y.dataSync();
      y.dispose();
      const found = bitsOf(got).map((bits, i) => (Number.isNaN(got[i]) ? Number.NaN : bits));
      const expected = byBits(values, seed);
      const wrong = patterns.flatMap((bits, i) =>
        Object.is(found[i], expected[i]) ? [] : [[bits, found[i], expected[i]]],
      );
      expect(wrong.slice(0, 5)).toEqual([]);
    }
    x.dispose();
  });
});
