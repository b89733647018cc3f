import { expect, test } from '@jest/globals';
import { wilsonInterval } from './wilson-interval.js';

test('intervals of eight and of none in ten; of no trials at all', () => {
  // (0.8 + z²/20 ± z √(0.016 + z²/400)) / (1 + z²/10), z = 1.96
  const eight = wilsonInterval(0.8, 10);
  expect([eight.low, eight.high].map((v) => Number(v.toFixed(4)))).toEqual([0.4902, 0.9433]);
  const none = wilsonInterval(0, 10);
  expect([none.low, Number(none.high.toFixed(4))]).toEqual([0, 0.2775]);
  expect(wilsonInterval(Number.NaN, 0)).toEqual({ low: 0, high: 1 });
});
