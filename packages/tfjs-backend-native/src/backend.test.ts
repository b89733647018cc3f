import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import type { NativeBackend } from './backend.js';
import { sizeClass } from './block-pool.js';
import { type HugePages, nativeStatus } from './index.js';

const backend = () => tf.backend() as NativeBackend;
const usage = () => backend().pool.usage();

beforeAll(async () => {
  await tf.setBackend('native');
  backend().pool.poison = true;
});

describe('registration', () => {
  test('the addon loads, and tfjs takes the backend by priority', async () => {
    expect(nativeStatus().available).toBe(true);
    expect(tf.getBackend()).toBe('native');
  });

  test('what was found of huge pages: the faster of two first touches', () => {
    const { hugePages } = nativeStatus();
    if (process.platform !== 'linux') expect(hugePages).toBeUndefined();
    else {
      const { advised, withMs, withoutMs } = hugePages as HugePages;
      expect(withoutMs).toBeGreaterThan(0);
      expect(advised).toBe(withMs < withoutMs);
    }
  });

  test('every kernel of the cpu backend is there', () => {
    const ours = new Set(tf.getKernelsForBackend('native').map((kernel) => kernel.kernelName));
    expect(tf.getKernelsForBackend('cpu').filter((kernel) => !ours.has(kernel.kernelName))).toEqual([]);
  });
});

describe('await data()', () => {
  test('timers fire in a loop that awaits its results', async () => {
    let fired = 0;
    const timer = setInterval(() => {
      fired += 1;
    }, 1);
    const x = tf.randomUniform([400, 400]) as tf.Tensor2D;
    const start = performance.now();
    // Long enough for a busy machine; without turns of the event loop no timer would ever fire.
    while (fired <= 5 && performance.now() - start < 20_000) {
      const y = x.matMul(x);
      await y.data();
      y.dispose();
    }
    clearInterval(timer);
    expect(fired).toBeGreaterThan(5);
    x.dispose();
  });

  test('values as they were at the call', async () => {
    const x = tf.tensor1d([1, 2, 3]);
    const values = x.data();
    x.dispose();
    tf.tensor1d([7, 8, 9]).dispose();
    expect(await values).toEqual(Float32Array.of(1, 2, 3));
  });
});

describe('memory', () => {
  test('size classes hold the bytes and waste at most a fifth above 256', () => {
    for (const bytes of [1, 64, 65, 255, 256, 257, 1000, 4097, 123457, 2 ** 20, 2 ** 20 + 1]) {
      expect(sizeClass(bytes)).toBeGreaterThanOrEqual(bytes);
      expect(sizeClass(bytes) % 64).toBe(0);
      if (bytes > 256) expect(sizeClass(bytes)).toBeLessThanOrEqual(bytes * 1.25 + 64);
    }
  });

  test('uploads do not alias the array of the caller', () => {
    const mine = new Float32Array([1, 2, 3]);
    const x = tf.tensor1d(mine);
    mine[0] = 9;
    expect([...x.dataSync()]).toEqual([1, 2, 3]);
    x.dispose();
  });

  test('a disposed tensor gives its block back, once all views of it are gone', () => {
    const before = usage().liveBytes;
    const x = tf.range(0, 6000).reshape([6, 1000]) as tf.Tensor2D;
    const view = x.slice([2, 0], [3, 1000]);
    x.dispose();
    tf.ones([6, 1000]).dispose();
    expect(view.sum().dataSync()[0]).toBe((2000 + 4999) * 1500);
    view.dispose();
    expect(usage().liveBytes).toBeLessThanOrEqual(before + 64 + 64 + 30720);
  });

  test.each([5, 5000, 500_000, 4_200_005])(
    'an array of %i values that was read is the caller’s own',
    (size) => {
      const before = usage().liveBytes;
      const x = tf.tensor1d(new Float32Array(size).fill(4));
      const values = x.dataSync();
      values[0] = 7; // does not show in the tensor
      expect(tf.tidy(() => x.slice([0], [2]).dataSync())).toEqual(Float32Array.of(4, 4));
      x.dispose();
      expect(usage().liveBytes).toBeLessThanOrEqual(before + 64);
      for (let i = 0; i < 10; i++) tf.tensor1d(new Float32Array(size).fill(i)).dispose();
      expect(values.length).toBe(size);
      expect([values[0], ...new Set(values.subarray(1))]).toEqual([7, 4]);
    },
  );

  test('reads of every dtype, and of a view', () => {
    const x = tf.range(0, 60_000, 1, 'int32').reshape([2, 30_000]) as tf.Tensor2D;
    const row = x.slice([1, 0], [1, 30_000]);
    expect(row.dataSync()).toEqual(Int32Array.from({ length: 30_000 }, (_, i) => 30_000 + i));
    const odd = tf.tidy(() => x.mod(2).cast('bool'));
    expect((odd.dataSync() as Uint8Array).slice(0, 3)).toEqual(Uint8Array.of(0, 1, 0));
    tf.dispose([x, row, odd]);
  });

  test('an array that was read stays as it was while its tensor is disposed and ten others are made, changed and read', () => {
    const size = 1_300_007;
    const x = tf.range(0, size);
    const values = x.dataSync();
    x.dispose();
    const others = Array.from({ length: 10 }, (_, i) =>
      tf.tidy(() => {
        const read = tf.fill([size], i).add(1).dataSync();
        read.fill(-1);
        return read;
      }),
    );
    expect(others.every((read) => read[0] === -1 && read[size - 1] === -1)).toBe(true);
    expect(values.every((value, i) => value === i)).toBe(true);
  });

  test('an array that was read can be handed to another thread without a copy', () => {
    const x = tf.fill([2_000_000], 3);
    const values = x.dataSync();
    const there = structuredClone(values, { transfer: [values.buffer as ArrayBuffer] });
    expect([values.length, there.length, there[1_999_999]]).toEqual([0, 2_000_000, 3]);
    expect(x.dataSync()[1_999_999]).toBe(3);
    x.dispose();
  });

  test('200 reads without a turn of the event loop hold no memory, and neither do reads that are awaited', async () => {
    const x = tf.ones([1 << 20]);
    const resident = process.memoryUsage.rss();
    for (let i = 0; i < 200; i++) x.dataSync(); // 800 MB
    expect(process.memoryUsage.rss() - resident).toBeLessThan(300 << 20);
    for (let i = 0; i < 200; i++) await x.data();
    expect(process.memoryUsage.rss() - resident).toBeLessThan(300 << 20);
    x.dispose();
  });

  test('moving to cpu and back empties our blocks and keeps values', async () => {
    const live = usage().liveBytes;
    const x = tf.tensor1d([1, 2, 3, 4, 5]);
    expect(usage().liveBytes).toBeGreaterThan(live);
    const native = backend();
    await tf.setBackend('cpu');
    expect([...x.square().dataSync()]).toEqual([1, 4, 9, 16, 25]);
    expect(native.pool.usage().liveBytes).toBe(live);
    await tf.setBackend('native');
    expect([...x.add(1).dataSync()]).toEqual([2, 3, 4, 5, 6]);
    x.dispose();
  });

  test('complex numbers move to cpu and back, and are freed there', () => {
    const before = usage().liveBytes;
    const [real, imag] = [tf.tensor2d([[1, 2, 3]]), tf.tensor2d([[-4, 5, 0.5]])];
    const z = tf.complex(real, imag);
    for (const name of ['cpu', 'native', 'cpu', 'native']) {
      tf.setBackend(name);
      expect([...z.dataSync()]).toEqual([1, -4, 2, 5, 3, 0.5]);
      const squared = tf.tidy(() => tf.mul(z, z));
      expect([...squared.dataSync()]).toEqual([-15, -8, -21, 20, 8.75, 3]);
      squared.dispose();
    }
    tf.dispose([real, imag, z]);
    expect(usage().liveBytes).toBe(before);
  });

  test('300 Adam steps: no growth', () => {
    const variable = tf.variable(tf.randomNormal([17, 13], 0, 1, 'float32', 3));
    const optimizer = tf.train.adam(0.01);
    const steps = (n: number) => {
      for (let i = 0; i < n; i++) {
        const loss = optimizer.minimize(() => variable.square().mean() as tf.Scalar, true);
        loss?.dispose();
      }
    };
    steps(20);
    const before = { ...usage(), tensors: tf.memory().numTensors };
    steps(300);
    expect(usage()).toEqual({ ...usage(), liveBytes: before.liveBytes, poolBytes: before.poolBytes });
    expect(tf.memory().numTensors).toBe(before.tensors);
    optimizer.dispose();
    variable.dispose();
  });

  test('isExclusive: not with a clone or a view; makeExclusive repairs the last', () => {
    const x = tf.fill([8000], 2);
    backend().makeExclusive(x);
    expect(backend().isExclusive(x)).toBe(true);
    const clone = x.clone();
    expect(backend().isExclusive(x)).toBe(false);
    clone.dispose();
    const view = x.slice([10], [5]);
    expect(backend().isExclusive(x)).toBe(false);
    backend().makeExclusive(x);
    expect(backend().isExclusive(x)).toBe(true);
    view.dispose();
    x.dataSync();
    expect(backend().isExclusive(x)).toBe(true);
    x.dispose();
  });

  test('tf.memory() reports the pool', () => {
    const memory = tf.memory() as unknown as { unreliable: boolean; native: { liveBytes: number } };
    expect(memory.unreliable).toBe(false);
    expect(memory.native.liveBytes).toBe(usage().liveBytes);
  });
});
