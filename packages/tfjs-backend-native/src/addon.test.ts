import { Worker } from 'node:worker_threads';
import { describe, expect, test } from '@jest/globals';
import { addon, addonLoad, CPU_TARGETS, setTarget, setThreads } from './addon.js';

describe('addon', () => {
  test('status names a target among those that run here', () => {
    const status = addon().status();
    expect(status.targets).toContain(status.target);
    expect(status.targets).toContain('serial');
    expect(status.threads).toBeGreaterThanOrEqual(1);
  });

  test('allocate gives a writable, counted block of the asked size', () => {
    const before = addon().status();
    const block = addon().allocate(3 << 20);
    expect(block.byteLength).toBe(3 << 20);
    const values = new Float32Array(block);
    values.fill(1.5);
    expect(values[values.length - 1]).toBe(1.5);
    expect(addon().status().liveBytes - before.liveBytes).toBe(3 << 20);
    expect(addon().status().liveBlocks - before.liveBlocks).toBe(1);
  });

  test.each([0, -1, 1.5, 2 ** 33])('allocate refuses %d bytes', (bytes) => {
    expect(() => addon().allocate(bytes)).toThrow(/allocate: /);
  });

  test('preferHugePages leaves what is there, and refuses what is not a buffer', () => {
    const values = new Uint8Array(5 << 20).fill(3);
    addon().preferHugePages(values.buffer);
    addon().preferHugePages(new ArrayBuffer(1));
    expect(values.every((value) => value === 3)).toBe(true);
    expect(() => addon().preferHugePages(values as unknown as ArrayBuffer)).toThrow(
      /preferHugePages: argument 0 must be an ArrayBuffer/,
    );
  });

  test('keepFreedMemory may be asked for any number of times, and holds nothing itself', () => {
    const before = process.memoryUsage();
    for (let i = 0; i < 1000; i++) addon().keepFreedMemory();
    const after = process.memoryUsage();
    // The collector's heap grows as it sees fit.
    const outsideHeap = after.rss - after.heapTotal - (before.rss - before.heapTotal);
    expect(outsideHeap).toBeLessThan(16 << 20);
  });

  test('wrong or missing arguments are named', () => {
    expect(() => (addon().allocate as unknown as (x: string) => void)('4')).toThrow(
      /allocate: argument 0 must be a number/,
    );
    expect(() => (addon().allocate as unknown as () => void)()).toThrow(
      /allocate: expected 1 arguments, got 0/,
    );
  });

  test('setTarget and setThreads return what was', () => {
    const { target, threads, targets } = addon().status();
    for (const wanted of targets) {
      expect(setTarget(wanted)).toBe(target);
      expect(addon().status().target).toBe(wanted);
      expect(setTarget(target)).toBe(wanted);
    }
    expect(setThreads(3)).toBe(threads);
    expect(setThreads(threads)).toBe(3);
    expect(() => setThreads(0)).toThrow(/setThreads: count/);
    expect(() => addon().setTarget(CPU_TARGETS.length)).toThrow(/cannot run that target/);
  });

  test('three worker threads multiply at once, end, and leave the addon working', async () => {
    // Loaded by path: workers run plain JavaScript.
    const path = addonLoad.addon === undefined ? '' : addonLoad.path;
    const code = `
      const addon = require(${JSON.stringify(path)});
      const n = 200;
      const [c, a, b] = [0, 1, 2].map((value) => new Float32Array(addon.allocate(4 * n * n)).fill(value));
      for (let i = 0; i < 20; i++) addon.gemm(c, a, b, Int32Array.of(n, n, n, 0, 1, 0), null, 0, null);
      require('node:worker_threads').parentPort.postMessage(c.every((value) => value === 2 * n));`;
    const answers = [1, 2, 3].map(
      () =>
        new Promise<unknown>((resolve, reject) => {
          const worker = new Worker(code, { eval: true });
          let answer: unknown;
          worker.on('message', (message) => {
            answer = message;
          });
          worker.on('error', reject);
          worker.on('exit', () => resolve(answer));
        }),
    );
    expect(await Promise.all(answers)).toEqual([true, true, true]);
    const c = new Float32Array(1);
    addon().gemm(
      c,
      Float32Array.of(2, 3),
      Float32Array.of(5, 7),
      Int32Array.of(1, 1, 2, 0, 0, 0),
      null,
      0,
      null,
    );
    expect(c[0]).toBe(31);
  });
});
