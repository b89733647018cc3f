import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { type Addon, addonLoad } from './addon.js';
import { multiplyAddPeak, rehearse } from './index.js';
import { idleAddon } from './rehearsal.js';

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

available('convolutions, with one filter a channel too, and attention', async () => {
  const { flop } = await rehearse(() => {
    const x = tf.zeros([2, 5, 7, 3]) as tf.Tensor4D;
    tf.conv2d(x, tf.zeros([3, 3, 3, 11]) as tf.Tensor4D, 1, 'same');
    tf.depthwiseConv2d(x, tf.zeros([3, 3, 3, 2]) as tf.Tensor4D, 1, 'same');
    const [q, k] = [tf.zeros([2, 4, 6]), tf.zeros([2, 9, 6])] as [tf.Tensor, tf.Tensor];
    tf.engine().runKernel('Attention', { q, k, v: k }, { heads: 3, scale: 1 });
  });
  const places = 2 * 5 * 7;
  expect(flop).toBe(2 * places * 9 * (3 * 11 + 3 * 2) + 2 * 2 * (2 * 4 * 9 * 6));
});

available('every function of the addon is declared, and one that is not is refused', () => {
  const { addon } = addonLoad as { addon: Addon };
  const idle = idleAddon(addon, { flop: 0 });
  expect(Object.keys(idle)).toEqual(expect.arrayContaining(Object.keys(addon)));
  const extended = { ...addon, fourierTransform: () => 0 };
  expect(() => idleAddon(extended, { flop: 0 })).toThrow('fourierTransform');
});
