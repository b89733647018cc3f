import { expect, test } from '@jest/globals';
import { rankCosts } from './rank-costs.js';

test('the nearest numbers, as math.log of Python 3.11 gives them', () => {
  const costs = rankCosts(3_000_000);
  for (const [n, logarithm] of [
    [1, 0],
    [2, Math.LN2],
    [3, 1.0986122886681098], // Math.log: …096
    [48, 3.871201010907891], // Math.log: …8907
    [185, 5.220355825078324], // Math.log: …325
    [346, 5.846438775057725],
    [999, 6.906754778648554],
    [1000, 6.907755278982137],
    [1001, 6.90875477931522],
    [100_003, 11.512955464520237],
    [2_999_999, 14.914122513298995],
    [3_000_000, 14.914122846632385],
  ] as const) {
    expect(costs[n - 1]).toBe(logarithm);
  }
});

test('within one step of Math.log everywhere', () => {
  const costs = rankCosts(20_000);
  for (let n = 2; n <= 20_000; n++) {
    const cost = costs[n - 1] as number;
    expect(Math.abs(cost - Math.log(n)) / cost).toBeLessThanOrEqual(2 ** -52);
  }
});

test('no words', () => {
  expect(rankCosts(0)).toHaveLength(0);
});
