import { ConfigError } from '@easel/core';
import { expect, test } from '@jest/globals';
import { betterEvaluation } from './best-evaluation.js';

const lowest = { metric: 'eval.loss', goal: 'lowest' } as const;
const splits = (loss: number) => ({ trained: { loss: 0 }, eval: { loss, psnr: 20 } });

test('the first is the best, then only a lower one; ties stay with the older', () => {
  const first = betterEvaluation(lowest, splits(3), 10, null);
  expect(first).toEqual({ metric: 'eval.loss', value: 3, step: 10 });
  expect(betterEvaluation(lowest, splits(3), 20, first)).toBeNull();
  expect(betterEvaluation(lowest, splits(4), 20, first)).toBeNull();
  expect(betterEvaluation(lowest, splits(2.5), 30, first)?.step).toBe(30);
});

test('a higher one where that is the goal', () => {
  const goal = { metric: 'eval.psnr', goal: 'highest' } as const;
  const best = { metric: 'eval.psnr', value: 19, step: 1 };
  expect(betterEvaluation(goal, splits(1), 2, best)?.value).toBe(20);
  expect(betterEvaluation(goal, splits(1), 3, { ...best, value: 21 })).toBeNull();
});

test('a best by another metric does not count; NaN is never the best', () => {
  expect(betterEvaluation(lowest, splits(9), 5, { metric: 'eval.psnr', value: 1, step: 2 })?.value).toBe(9);
  expect(betterEvaluation(lowest, splits(Number.NaN), 5, null)).toBeNull();
});

test('nothing wanted, nothing best; a metric that is not there names those that are', () => {
  expect(betterEvaluation(null, splits(1), 1, null)).toBeNull();
  const failing = () => betterEvaluation({ ...lowest, metric: 'eval.los' }, splits(1), 1, null);
  expect(failing).toThrow(ConfigError);
  expect(failing).toThrow(/eval\.loss.*It has trained\.loss, eval\.loss, eval\.psnr/);
});
