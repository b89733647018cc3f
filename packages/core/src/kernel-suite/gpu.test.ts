import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { gpuStatus } from 'tfjs-backend-gpu';
import { KERNEL_NAMES } from './cases.js';
import { checkGradients, checkRefusals, checkValues, kernelsOf, lackingKernels } from './suite.js';

/** The kernels of the contract that the gpu backend has not; operations then run in their plain form. */
const LACKING = ['Narrow', 'PackedTensor', 'DeferredZeros'];

/**
 * Software adapters take milliseconds a call, so that of most kernels only some cases run:
 * EASEL_GPU_CASES=all runs all of them.
 */
const every = process.env.EASEL_GPU_CASES === 'all' ? 1 : 9;

const status = await gpuStatus();
const where = status.available ? describe : describe.skip;

where(`the gpu backend keeps the contract${status.available ? '' : ` (skipped: ${status.reason})`}`, () => {
  beforeAll(async () => {
    await tf.setBackend('gpu');
  });
  afterAll(async () => {
    await tf.setBackend('cpu');
  });

  test('it has all kernels but those that are named', () => {
    expect(kernelsOf('gpu')).toEqual(KERNEL_NAMES.filter((name) => !LACKING.includes(name)));
    expect(lackingKernels('gpu')).toEqual([]);
  });

  test.each(KERNEL_NAMES.filter((name) => !LACKING.includes(name)))(
    '%s: values, and refusals of wrong calls',
    async (name) => {
      expect(await checkValues('gpu', name, every)).toEqual([]);
      expect(await checkRefusals('gpu', name)).toEqual([]);
    },
  );

  test('gradients', async () => {
    expect(await checkGradients('gpu')).toEqual([]);
  });
});
