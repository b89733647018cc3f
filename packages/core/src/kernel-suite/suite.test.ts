import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import { checkGradients, checkRefusals, checkValues, kernelsOf, lackingKernels } from './suite.js';

/**
 * A backend with the kernels of tfjs's cpu backend and some fused ones, most of which are wrong.
 */
const BACKEND = 'wrong';

const plain: Record<string, (inputs: Record<string, tf.Tensor>) => tf.Tensor> = {
  Silu: ({ x }) => tf.mul(x as tf.Tensor, tf.sigmoid(x as tf.Tensor)),
  // Wrong by 1 %.
  SumOfSquares: ({ x }) => tf.mul(tf.sum(tf.square(x as tf.Tensor)), 1.01),
  // Right values in a shape of its own, and any inputs that broadcast.
  ReluGrad: ({ dy, x }) => tf.reshape(tf.mul(dy as tf.Tensor, tf.step(x as tf.Tensor)), [-1, 1]),
};

beforeAll(() => {
  tf.registerBackend(BACKEND, () => new MathBackendCPU(), 0);
  for (const kernel of tf.getKernelsForBackend('cpu')) tf.registerKernel({ ...kernel, backendName: BACKEND });
  for (const [kernelName, run] of Object.entries(plain))
    tf.registerKernel({
      kernelName,
      backendName: BACKEND,
      // The result's data are kept for whom the kernel makes them; its tensors are tidied away.
      kernelFunc: ({ inputs, backend }) => {
        const tensors = inputs as Record<string, tf.Tensor>;
        const y = tf.tidy(() => {
          const values = run(tensors);
          return { data: values.dataSync(), shape: values.shape };
        });
        return (backend as MathBackendCPU).makeTensorInfo(y.shape, 'float32', y.data as Float32Array);
      },
    });
});

afterAll(() => tf.removeBackend(BACKEND));

test('a right kernel has no problem; one that takes any shapes is found out', async () => {
  expect(await checkValues(BACKEND, 'Silu')).toEqual([]);
  expect(await checkRefusals(BACKEND, 'ReluGrad')).toContainEqual(
    expect.stringContaining('did not refuse dy with an axis more'),
  );
});

test('wrong values, wrong shapes and lacking kernels are named', async () => {
  expect(await checkValues(BACKEND, 'SumOfSquares')).toContainEqual(
    expect.stringMatching(/SumOfSquares .*expected/),
  );
  expect(await checkValues(BACKEND, 'ReluGrad')).toContainEqual(expect.stringContaining('dx is [3,1]'));
  expect(kernelsOf(BACKEND)).toEqual(['Silu', 'ReluGrad', 'SumOfSquares']);
  expect(lackingKernels(BACKEND)).toEqual([`${BACKEND} has Silu, which needs SiluGrad`]);
});

test('a gradient that cannot run is a failure', async () => {
  await expect(checkGradients(BACKEND)).rejects.toThrow('SiluGrad');
});
