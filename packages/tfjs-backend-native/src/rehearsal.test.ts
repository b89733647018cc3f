import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { multiplyAddPeak, rehearse } from './index.js';

const { native } = await tf.setBackend('native').then((native) => ({ native }));
const available = native ? test : test.skip; // without the addon there is nothing to rehearse

available('memory of what is alive together, products counted, nothing left behind', async () => {
  const before = tf.memory().numTensors;
  const { result, peakBytes, flop } = await rehearse(() => {
    const a = tf.zeros([1000, 2000]) as tf.Tensor2D; // 8 MB
    const b = tf.zeros([2000, 500]) as tf.Tensor2D; // 4 MB
    const c = tf.matMul(a, b); // 2 MB
    tf.dispose([a, b, c]);
    const d = tf.zeros([1000, 1000]); // 4 MB, where b was
    d.dispose();
    return 'played';
  });
  expect(result).toBe('played');
  expect(peakBytes).toBe(14e6);
  expect(flop).toBe(2 * 1000 * 2000 * 500);
  expect(tf.memory().numTensors).toBe(before);
});

available('larger than memory may be', async () => {
  const { peakBytes } = await rehearse(() => {
    // 4 × 4 GB
    const tensors = Array.from({ length: 4 }, () => tf.zeros([1 << 15, 1 << 15]));
    tf.dispose(tensors);
  });
  expect(peakBytes).toBe(4 * 2 ** 32);
});

available('afterwards kernels compute again, and tensors from before are what they were', async () => {
  const x = tf.tensor1d([1, 2, 3]);
  await expect(
    rehearse(() => {
      tf.square(x).dispose();
      throw new Error('in the middle');
    }),
  ).rejects.toThrow('in the middle');
  const y = tf.square(x);
  expect([...y.dataSync()]).toEqual([1, 4, 9]);
  tf.dispose([x, y]);
});

available('one at a time, and on this backend', async () => {
  await rehearse(() => expect(rehearse(() => {})).rejects.toThrow('another rehearsal'));
  await tf.setBackend('cpu');
  await expect(rehearse(() => {})).rejects.toThrow("the backend is 'cpu'");
  await tf.setBackend('native');
});

available('the peak is a rate', () => {
  expect(multiplyAddPeak()).toBeGreaterThan(1e8);
});
