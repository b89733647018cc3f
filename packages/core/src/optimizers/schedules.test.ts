import { describe, expect, test } from '@jest/globals';
import { ConfigError } from '../errors.js';
import { constantSchedule, cosineSchedule, exponentialSchedule, linearSchedule } from './schedules.js';

// The original's own rates: packages/conformance, kind `schedules`.

describe('by hand', () => {
  test('the first update has rate 0 and the peak comes at W+1', () => {
    const schedule = constantSchedule({ learningRate: 5, warmupSteps: 4 });
    expect([0, 1, 4, 5, 6].map(schedule)).toEqual([0, 1, 4, 5, 5]);
  });

  test('offset keeps the rate at 0 and moves the rest', () => {
    const schedule = linearSchedule({ learningRate: 6, warmupSteps: 2, totalSteps: 5, offset: 10 });
    // t = step − 10: warm-up 0, 2; then 6·(1 − (t − 2)/3).
    expect(
      [0, 9, 10, 11, 12, 13, 14, 15, 99].map(schedule).map((rate) => Math.round(rate * 1e9) / 1e9),
    ).toEqual([0, 0, 0, 2, 6, 4, 2, 0, 0]);
  });

  test('cosine: peak, middle, floor, and floor for ever', () => {
    const schedule = cosineSchedule({ learningRate: 10, warmupSteps: 1, totalSteps: 5, floor: 2 });
    expect(schedule(0)).toBe(0);
    expect(schedule(1)).toBe(10);
    expect(schedule(3)).toBeCloseTo(6, 12); // halfway between 10 and 2
    expect(schedule(5)).toBeCloseTo(2, 12);
    expect(schedule(500)).toBeCloseTo(2, 12);
    expect(schedule(2)).toBeCloseTo(2 + 8 * 0.8535533905932737, 12); // (1 + cos 45°)/2
  });

  test('bad settings are errors', () => {
    const learningRate = 1;
    const bad = [
      () => constantSchedule({ learningRate: Number.NaN }),
      () => constantSchedule({ learningRate: -1 }),
      () => linearSchedule({ learningRate, warmupSteps: 5, totalSteps: 5 }),
      () => exponentialSchedule({ learningRate, transitionSteps: 0, decayRate: 0.5 }),
      () => exponentialSchedule({ learningRate, transitionSteps: 1, decayRate: 0 }),
      () => cosineSchedule({ learningRate, totalSteps: 5, floor: 2 }),
    ];
    for (const make of bad) expect(make).toThrow(ConfigError);
  });
});
