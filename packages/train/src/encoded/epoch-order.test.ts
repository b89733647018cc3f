import { ConfigError, prngKey } from '@easel/core';
import { describe, expect, test } from '@jest/globals';
import { EpochOrder, holdOut } from './epoch-order.js';

describe('EpochOrder', () => {
  const order = new EpochOrder(prngKey(3), 11, 4);

  test('an epoch is a permutation cut into whole batches; the rest of it is dropped', () => {
    expect(order.batchesPerEpoch).toBe(2);
    const seen = [...order.batch(0), ...order.batch(1)];
    expect(new Set(seen).size).toBe(8);
    expect(Math.max(...seen)).toBeLessThan(11);
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(0);
  });

  test('epochs differ, and over many of them every row comes up', () => {
    expect([...order.batch(0)]).not.toEqual([...order.batch(2)]);
    const seen = new Set(Array.from({ length: 40 }, (_, n) => [...order.batch(n)]).flat());
    expect(seen.size).toBe(11);
  });

  test('a batch needs nothing of what came before it', () => {
    const fresh = new EpochOrder(prngKey(3), 11, 4);
    expect([...fresh.batch(7)]).toEqual([...order.batch(7)]);
    expect([...new EpochOrder(prngKey(4), 11, 4).batch(7)]).not.toEqual([...order.batch(7)]);
  });

  test('positions count epochs and batches', () => {
    expect([0, 1, 2, 7].map((n) => order.position(n))).toEqual([
      { epoch: 0, batch: 0 },
      { epoch: 0, batch: 1 },
      { epoch: 1, batch: 0 },
      { epoch: 3, batch: 1 },
    ]);
  });

  test('a batch as large as the set works, a larger one is refused', () => {
    expect([...new EpochOrder(prngKey(0), 3, 3).batch(5)].sort()).toEqual([0, 1, 2]);
    expect(() => new EpochOrder(prngKey(0), 3, 4)).toThrow(ConfigError);
    expect(() => new EpochOrder(prngKey(0), 3, 4)).toThrow(/3 rows don't fill one batch of 4/);
  });
});

describe('holdOut', () => {
  test('holds out the share, rounded up, and keeps the rest', () => {
    const { train, held } = holdOut(prngKey(1), 10, 0.21);
    expect(held).toHaveLength(3);
    expect([...train, ...held].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(holdOut(prngKey(1), 10, 0.21)).toEqual({ train, held });
    expect(holdOut(prngKey(2), 10, 0.21).held).not.toEqual(held);
  });

  test('nothing held out, or all', () => {
    expect(holdOut(prngKey(1), 3, 0)).toEqual({ train: [0, 1, 2], held: [] });
    expect(() => holdOut(prngKey(1), 1, 0.1)).toThrow(/leaves none to train on/);
  });
});
