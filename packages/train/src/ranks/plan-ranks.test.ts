import { expect, test } from '@jest/globals';
import { measureRanks, planRanks } from './plan-ranks.js';
import { Ranks } from './ranks.js';

const measured = { ranks: 2, bytesPerSecond: 1000 };

test('by hand: 2 ranks, 4 micro-batches of 1 s, 250 weights', () => {
  // 1000 bytes are 1 s of sums; 4 s of one process become 2 s and the sum.
  const plan = planRanks(measured, { microBatches: 4, order: 'any', weights: 250 }, 4);
  expect(plan).toEqual({
    ...measured,
    microBatches: 4,
    own: 2,
    sentBytes: 1000,
    sumSeconds: 1,
    efficiency: 4 / 2 / 3,
  });
  // Micro-batch by micro-batch each of the two rounds is summed.
  const ordered = planRanks(measured, { microBatches: 4, order: 'micro-batches', weights: 250 }, 4);
  expect(ordered).toMatchObject({ sentBytes: 2000, sumSeconds: 2, efficiency: 4 / 2 / 4 });
  // Of three micro-batches one rank has two.
  expect(planRanks(measured, { microBatches: 3, order: 'any', weights: 0 }, 3)).toMatchObject({
    own: 2,
    efficiency: 3 / 2 / 2,
  });
  expect(
    planRanks(measured, { microBatches: 3, order: 'any', weights: 1 }, undefined).efficiency,
  ).toBeUndefined();
});

test('one process has nothing to measure', async () => {
  expect(await measureRanks(new Ranks())).toBeUndefined();
});
