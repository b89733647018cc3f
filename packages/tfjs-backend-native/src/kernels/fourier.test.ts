import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import '../index.js';
import { kernelCounts, resetKernelCounts } from '../index.js';

/** What numpy found: reference/make-fourier.py. */
interface Case {
  readonly length: number;
  /** The places of the transform that are kept. */
  readonly places: readonly number[];
  readonly forward: Parts;
  readonly inverse: Parts;
}
interface Parts {
  readonly real: readonly number[];
  readonly imag: readonly number[];
}

const { cases } = JSON.parse(readFileSync(new URL('./golden/fourier.json', import.meta.url), 'utf8')) as {
  cases: readonly Case[];
};

/** Whole numbers divided by 1009, as in the script; float64 holds them exactly. */
const numbers = (count: number, seed: number) =>
  Float32Array.from({ length: count }, (_, j) => {
    const square = (13 * ((j * j) % 1009)) % 1009;
    return ((((j * 7919) % 1009) + square + ((401 * seed) % 1009)) % 1009) / 1009 - 0.5;
  });

const inputOf = (length: number) =>
  tf.complex(tf.tensor1d(numbers(length, 1)), tf.tensor1d(numbers(length, 2)));

/** The largest difference, as a part of the largest number. */
function difference(y: tf.Tensor, places: readonly number[], expected: Parts): number {
  const [real, imag] = [tf.real(y).dataSync(), tf.imag(y).dataSync()];
  const all = [...expected.real, ...expected.imag];
  const found = [...places.map((p) => real[p] as number), ...places.map((p) => imag[p] as number)];
  const largest = Math.max(...all.map(Math.abs));
  return Math.max(...all.map((value, i) => Math.abs(value - (found[i] as number)))) / largest;
}

beforeAll(async () => {
  await tf.setBackend('native');
});

describe('against numpy', () => {
  test.each(cases)('length $length', ({ length, places, forward, inverse }) => {
    tf.tidy(() => {
      const x = inputOf(length);
      expect(difference(tf.fft(x), places, forward)).toBeLessThan(2 ** -22);
      expect(difference(tf.ifft(x), places, inverse)).toBeLessThan(2 ** -22);
    });
  });
});

test('it runs in C++, leaves no tensors, and rows do not depend on each other', () => {
  resetKernelCounts();
  const before = tf.memory().numTensors;
  tf.tidy(() => {
    const [rows, length] = [67, 143];
    const [real, imag] = [numbers(rows * length, 3), numbers(rows * length, 4)];
    const y = tf.fft(tf.complex(tf.tensor2d(real, [rows, length]), tf.tensor2d(imag, [rows, length])));
    const at = length * 66;
    const last = tf.fft(tf.complex(tf.tensor1d(real.subarray(at)), tf.tensor1d(imag.subarray(at))));
    expect(y.shape).toEqual([rows, length]);
    expect(tf.real(y).dataSync().subarray(at)).toEqual(tf.real(last).dataSync());
    expect(tf.imag(y).dataSync().subarray(at)).toEqual(tf.imag(last).dataSync());
  });
  expect(tf.memory().numTensors).toBe(before);
  expect(kernelCounts().find(({ kernel }) => kernel === tf.FFT)).toMatchObject({ native: 2, cpu: 0 });
});

test('rfft and irfft of odd and even lengths', () => {
  for (const length of [7, 12, 101]) {
    tf.tidy(() => {
      const x = tf.tensor2d(numbers(3 * length, 5), [3, length]);
      const half = tf.spectral.rfft(x);
      expect(half.shape).toEqual([3, Math.floor(length / 2) + 1]);
      // The first place is the sum.
      const sums = tf.sum(x, -1).dataSync();
      const first = tf.real(half).slice([0, 0], [3, 1]).dataSync();
      for (let r = 0; r < 3; r++) expect(first[r]).toBeCloseTo(sums[r] as number, 5);
      if (length % 2 === 1) return; // irfft gives even lengths
      const back = tf.spectral.irfft(half).dataSync();
      x.dataSync().forEach((value, i) => {
        expect(back[i]).toBeCloseTo(value, 6);
      });
    });
  }
});

test('nothing, in every form', () => {
  for (const shape of [[0], [2, 0], [0, 3]]) {
    const y = tf.fft(tf.complex(tf.zeros(shape), tf.zeros(shape)));
    expect([y.shape, y.dtype, y.dataSync().length]).toEqual([shape, 'complex64', 0]);
  }
});

test('NaN and infinities reach every place of their row, and no other row', () => {
  tf.tidy(() => {
    const real = tf.tensor2d([1, Number.NaN, 2, 3, 4, 5], [2, 3]);
    const y = tf.real(tf.fft(tf.complex(real, tf.zerosLike(real)))).dataSync();
    expect([...y].map(Number.isNaN)).toEqual([true, true, true, false, false, false]);
  });
});
