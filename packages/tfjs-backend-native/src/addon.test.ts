import { describe, expect, test } from '@jest/globals';
import { addon, CPU_TARGETS, setTarget, setThreads } from './addon.js';

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
});
