import { beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { startTestBackend } from '../../testing/backend.js';
import { histogram, weightStatistics } from './weight-statistics.js';

beforeAll(startTestBackend);

test('ten bins from the least to the greatest value; the greatest is in the last', () => {
  const found = histogram([0, 1, 1.5, 9.9, 10, 5]);
  expect(found.edges).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(found.counts).toEqual([1, 2, 0, 0, 0, 1, 0, 0, 0, 2]);
  expect(found.sum).toBeCloseTo(27.4, 12);
  expect(found.sumOfSquares).toBeCloseTo(1 + 2.25 + 98.01 + 100 + 25, 10);
});

test('values that are all the same lie in the middle of a width of 1, as in numpy; none at all are in no bin', () => {
  expect(histogram([3, 3, 3])).toMatchObject({ counts: [0, 0, 0, 0, 0, 3, 0, 0, 0, 0] });
  expect(histogram([3]).edges[0]).toBe(2.5);
  expect(histogram([]).counts).toEqual(new Array(10).fill(0));
});

test('norms of gradients and of weights after the update, at the steps that are due', async () => {
  const gradients = new Map<string, tf.Tensor>([
    ['a', tf.tensor1d([3, 4])],
    ['b.c', tf.tensor2d([[1, 2, 2]])],
  ]);
  const weights = new Map<string, tf.Tensor>([
    ['a', tf.tensor1d([6, 8])],
    ['b.c', tf.tensor2d([[0, 0, 2]])],
  ]);
  const before = tf.memory().numTensors;
  expect(await weightStatistics({ norms: 5, histograms: 0 }, 4, gradients)).toBeUndefined();
  const normsWatched = await weightStatistics({ norms: 5, histograms: 0 }, 5, gradients);
  expect(await normsWatched?.after(weights)).toEqual({
    norms: { gradients: { a: 5, 'b.c': 3 }, parameters: { a: 10, 'b.c': 2 } },
  });
  const watched = await weightStatistics({ norms: 0, histograms: 2 }, 4, gradients);
  const { norms, histograms } = (await watched?.after(weights)) ?? {};
  expect(norms).toBeUndefined();
  expect(histograms?.gradients['b.c']?.counts).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
  expect(histograms?.parameters.a?.edges[10]).toBe(8);
  expect(tf.memory().numTensors).toBe(before);
  tf.dispose([...gradients.values(), ...weights.values()]);
});
