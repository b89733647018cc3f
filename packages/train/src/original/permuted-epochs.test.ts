import { expect, test } from '@jest/globals';
import { permutedEpoch, permutedEpochs } from './permuted-epochs.js';

test('each epoch has every row once, in an order of its own; the seed decides', () => {
  const take = (seed: number) => {
    const epochs = permutedEpochs(seed, 23);
    return [1, 2, 3].map(() => [...(epochs.next().value as Int32Array)]);
  };
  const orders = take(5);
  for (const order of orders) expect([...order].sort((a, b) => a - b)).toEqual([...Array(23).keys()]);
  expect(orders[1]).not.toEqual(orders[0]);
  expect(take(5)).toEqual(orders);
  expect(take(6)).not.toEqual(orders);
});

test('an epoch alone is as it is in the row of epochs', () => {
  const epochs = permutedEpochs(5, 23);
  for (const epoch of [0, 1, 2]) expect(permutedEpoch(5, 23, epoch)).toEqual(epochs.next().value);
});
