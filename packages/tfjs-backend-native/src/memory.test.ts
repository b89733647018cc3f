import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { addon } from './addon.js';
import { AllocationError, namedAllocationError } from './allocation-error.js';
import type { NativeBackend } from './backend.js';
import { releaseMemory } from './index.js';

// Seconds here; the limit is for machines that are busy.
jest.setTimeout(600_000);

const MB = 1 << 20;
const pool = () => (tf.backend() as NativeBackend).pool;

/** Resident bytes outside JavaScript's heap, which grows and shrinks as its collector sees fit. */
function residentOutsideHeap(): number {
  const { rss, heapTotal } = process.memoryUsage();
  return rss - heapTotal;
}

beforeAll(async () => {
  await tf.setBackend('native');
});

describe('1,250 training steps of a small conv net', () => {
  test('tensors, live bytes and resident memory stay', async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({ inputShape: [8, 8, 4], filters: 16, kernelSize: 3, activation: 'relu' }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 10 }),
      ],
    });
    const x = tf.randomNormal([32, 8, 8, 4], 0, 1, 'float32', 7);
    const y = tf.oneHot(tf.range(0, 32, 1, 'int32').mod(10).toInt(), 10);
    const optimizer = tf.train.adam(0.001);
    let loss = 0;
    const steps = async (count: number) => {
      for (let i = 0; i < count; i++) {
        const cost = optimizer.minimize(
          () =>
            tf.losses.softmaxCrossEntropy(y, model.apply(x, { training: true }) as tf.Tensor) as tf.Scalar,
          true,
        ) as tf.Scalar;
        loss = cost.dataSync()[0] as number;
        cost.dispose();
        if (i % 50 === 0) await turn(); // the collector's finalizers run between turns only
      }
    };
    await steps(1);
    const firstLoss = loss;
    await steps(249);
    const before = {
      tensors: tf.memory().numTensors,
      resident: residentOutsideHeap(),
      inAddon: addon().status().liveBytes,
      ...pool().usage(),
    };
    await steps(1000);
    const after = pool().usage();
    expect(tf.memory().numTensors).toBe(before.tensors);
    expect(after.liveBytes).toBe(before.liveBytes);
    expect(after.highWaterBytes).toBe(before.highWaterBytes);
    // Fewer, if a pause let the pool give blocks back.
    expect(addon().status().liveBytes).toBeLessThanOrEqual(before.inAddon);
    // The convolution's activations alone are 74 kB a step, 74 MB in all.
    expect(residentOutsideHeap() - before.resident).toBeLessThan(48 * MB);
    expect(loss).toBeLessThan(0.5 * firstLoss);
    optimizer.dispose();
    model.dispose();
    tf.dispose([x, y]);
  });
});

describe('releaseMemory', () => {
  test('gives free blocks back to the system, large and small, and leaves tensors alone', async () => {
    const kept = tf.range(0, 100_000);
    const small = Array.from({ length: 200 }, () => tf.ones([1000]));
    const large = Array.from({ length: 4 }, () => tf.ones([16 * MB]));
    tf.dispose([small, large]);
    const { poolBytes, liveBytes } = pool().usage();
    expect(poolBytes).toBeGreaterThan(256 * MB);
    const resident = process.memoryUsage.rss();
    const inAddon = addon().status().liveBytes;
    expect(releaseMemory()).toBe(poolBytes);
    expect(resident - process.memoryUsage.rss()).toBeGreaterThan(220 * MB);
    for (let i = 0; i < 5; i++) await turn();
    expect(inAddon - addon().status().liveBytes).toBeGreaterThanOrEqual(poolBytes);
    expect(pool().usage()).toMatchObject({ poolBytes: 0, liveBytes });
    expect(releaseMemory()).toBe(0);
    expect(kept.sum().dataSync()[0]).toBeCloseTo(4999950000, -5);
    kept.dispose();
  });

  test('an array that was read outlives it', () => {
    const x = tf.fill([50_000], 3);
    const values = x.dataSync();
    x.dispose();
    releaseMemory();
    expect(values.length).toBe(50_000);
    expect(values.every((value) => value === 3)).toBe(true);
  });

  test('discard refuses what is not a buffer, and a buffer twice', () => {
    const block = addon().allocate(1000);
    addon().discard(block);
    expect(block.byteLength).toBe(0);
    expect(() => addon().discard(block)).toThrow(/discard: argument 0 must be an ArrayBuffer/);
    expect(() => addon().discard(new Uint8Array(4) as unknown as ArrayBuffer)).toThrow(/argument 0 must be/);
  });
});

describe('an allocation that fails', () => {
  afterEach(() => {
    pool().limitBytes = Number.POSITIVE_INFINITY;
  });

  /** What `f` throws. */
  function errorOf(f: () => unknown): unknown {
    try {
      f();
    } catch (error) {
      return error;
    }
    return undefined;
  }

  test('names op, shape and bytes; the backend goes on, and nothing leaks', () => {
    const a = tf.ones([1000, 1]);
    const b = tf.ones([1, 1000]);
    const before = { tensors: tf.memory().numTensors, live: pool().usage().liveBytes };
    pool().limitBytes = before.live + MB;
    for (const [op, f] of [
      ['Add', () => a.add(b)],
      ['BatchMatMul', () => a.matMul(b)],
      ['Tile', () => a.tile([1, 1000])],
      ['Fill', () => tf.fill([1000, 1000], 3)],
    ] as const) {
      const error = errorOf(() => tf.tidy(f)) as AllocationError;
      expect(error).toBeInstanceOf(AllocationError);
      expect(error).toMatchObject({ op, bytes: 4_000_000, shape: '[1000,1000] float32' });
      expect(error.message).toMatch(`${op}: no memory for [1000,1000] float32 (4 MB): the limit is`);
      expect(tf.memory().numTensors).toBe(before.tensors);
      expect(pool().usage().liveBytes).toBe(before.live);
    }
    pool().limitBytes = Number.POSITIVE_INFINITY;
    expect(tf.tidy(() => a.matMul(b).sum().dataSync()[0])).toBe(1e6);
    tf.dispose([a, b]);
  });

  test('of an upload', () => {
    pool().limitBytes = pool().usage().liveBytes + 1000;
    expect(() => tf.tensor2d(new Float32Array(4000), [40, 100])).toThrow(
      /no memory for \[40,100\] float32 \(16000 bytes\)/,
    );
  });

  test('free blocks are given back before it fails', () => {
    tf.ones([4 * MB]).dispose();
    const { liveBytes, poolBytes } = pool().usage();
    expect(poolBytes).toBeGreaterThanOrEqual(16 * MB);
    pool().limitBytes = liveBytes + 40 * MB;
    const x = tf.ones([8 * MB]);
    expect(pool().usage().poolBytes).toBeLessThanOrEqual(8 * MB);
    x.dispose();
  });

  test('tensors beyond 2³¹ elements are refused by the limit, not by a crash', () => {
    pool().limitBytes = pool().usage().liveBytes + MB;
    expect(() => tf.fill([50_000, 50_000], 1)).toThrow(/Fill: no memory for \[50000,50000\] float32/);
    expect(() => tf.tidy(() => tf.ones([65536, 1]).add(tf.ones([1, 65536])))).toThrow(/Add: no memory/);
    expect(() => tf.tidy(() => tf.ones([4]).broadcastTo([2 ** 33, 4]))).toThrow(/no memory/);
  });

  test('V8’s own refusals name the kernel and its inputs; other errors pass as they are', () => {
    const inputs = { x: { shape: [3, 5] } };
    for (const make of [() => new Float32Array(2 ** 44), () => new ArrayBuffer(2 ** 52)]) {
      const error = namedAllocationError(errorOf(make), 'Cumsum', inputs) as AllocationError;
      expect(error).toBeInstanceOf(AllocationError);
      expect(error.message).toMatch(
        /^Cumsum: no memory for the result of inputs \[3,5\] \(an unknown number/,
      );
    }
    const other = new Error('Cumsum: wrong axis');
    expect(namedAllocationError(other, 'Cumsum', inputs)).toBe(other);
  });
});
