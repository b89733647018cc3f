import { beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { expectAsOnCpu, someValues } from '../../testing/against-cpu.js';
import type { NativeBackend } from '../backend.js';
import { kernelCounts, resetKernelCounts } from '../index.js';

beforeAll(async () => {
  await tf.setBackend('native');
  (tf.backend() as NativeBackend).pool.poison = true;
});

const image = (shape: number[], shift = 0) =>
  tf.tensor(someValues(shape.reduce((a, b) => a * b), 2, 3), shape).add(shift) as tf.Tensor4D; // biome-ignore format: one line
const row = (size: number, seed: number) => tf.tensor1d(someValues(size, 1, seed));

test.each([1, 15, 16, 17, 40])('%i channels as on cpu, with and without scale and offset', (channels) => {
  resetKernelCounts();
  expectAsOnCpu(
    () => {
      const x = image([2, 3, 5, channels]);
      const [mean, offset, scale] = [row(channels, 1), row(channels, 2), row(channels, 4)];
      const variance = row(channels, 5).square();
      return [
        tf.batchNorm(x, mean, variance, offset, scale, 1e-3),
        tf.batchNorm(x, mean, variance),
        tf.batchNorm(x, mean, variance, undefined, scale, 0.5),
      ];
    },
    { absolute: 1e-5, relative: 1e-5 },
  );
  expect(kernelCounts().find(({ kernel }) => kernel === tf.FusedBatchNorm)).toMatchObject({ cpu: 0 });
});

test('a large mean costs no digits', () => {
  const x = image([2, 3, 5, 7], 10_000);
  const mean = tf.fill([7], 10_000);
  const y = tf.tidy(() =>
    tf.batchNorm(x, mean as tf.Tensor1D, tf.ones([7]) as tf.Tensor1D, undefined, undefined, 0),
  );
  const exact = x.dataSync().map((value) => value - 10_000);
  expect(Array.from(y.dataSync())).toEqual(Array.from(exact));
  tf.dispose([x, mean, y]);
});

test('statistics of x’s whole shape go to the cpu kernel', () => {
  expectAsOnCpu(() => {
    const x = image([2, 3, 5, 4]);
    return tf.batchNorm(x, tf.zerosLike(x), tf.onesLike(x));
  });
});
