import { beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { kernelCounts, resetKernelCounts } from './index.js';

const countOf = (name: string) => kernelCounts().find(({ kernel }) => kernel === name);

beforeEach(async () => {
  await tf.setBackend('native');
});

describe('kernelCounts', () => {
  test('native runs, and what falls through with its largest tensor', () => {
    const x = tf.linspace(0, 1, 35).reshape([5, 7]);
    const i = tf.range(0, 6, 1, 'int32');
    resetKernelCounts();
    tf.tidy(() => {
      tf.add(x, x); // float32: in C++
      tf.exp(x);
      tf.exp(x);
      tf.exp(i); // int32 is left to the cpu backend
      tf.unique(x, 1); // no native form
      tf.unique(i);
    });
    expect(countOf('Add')).toEqual({ kernel: 'Add', native: 1, cpu: 0, largestOnCpu: 0 });
    expect(countOf('Exp')).toEqual({ kernel: 'Exp', native: 2, cpu: 1, largestOnCpu: 6 });
    expect(countOf('Unique')).toEqual({ kernel: 'Unique', native: 0, cpu: 2, largestOnCpu: 35 });
    expect(kernelCounts()[0]?.kernel).toBe('Unique'); // most elements in JavaScript first
    resetKernelCounts();
    expect(kernelCounts()).toEqual([]);
    tf.dispose([x, i]);
  });

  test('another shape of the same data is no work in JavaScript', () => {
    const x = tf.zeros([6, 4]);
    resetKernelCounts();
    tf.tidy(() => [x.reshape([3, -1]).expandDims(1).squeeze(), x.clone()]);
    expect(kernelCounts().filter(({ cpu }) => cpu > 0)).toEqual([]);
    expect(countOf('Identity')?.native).toBe(1);
    x.dispose();
  });

  test('a kernel that fails is not counted', () => {
    const x = tf.zeros([6, 4]);
    resetKernelCounts();
    expect(() => tf.engine().runKernel('Reshape', { x }, { shape: [5, 5] })).toThrow(
      'Size(24) must match the product of shape 5,5',
    );
    expect(countOf('Reshape')).toBeUndefined();
    x.dispose();
  });

  test('tf.profile says of each kernel where it ran', async () => {
    const x = tf.linspace(0, 1, 12);
    const { kernels } = await tf.profile(() => tf.tidy(() => tf.unique(tf.exp(x)).values));
    const where = Object.fromEntries(
      await Promise.all(kernels.map(async ({ name, extraInfo }) => [name, await extraInfo])),
    );
    expect(where).toEqual({ Exp: 'native', Unique: 'cpu' });
    for (const { kernelTimeMs } of kernels) expect(await kernelTimeMs).toBeGreaterThanOrEqual(0);
    x.dispose();
  });
});
