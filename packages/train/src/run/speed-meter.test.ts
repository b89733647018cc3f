import { expect, test } from '@jest/globals';
import { SpeedMeter } from './speed-meter.js';

test('rates over all updates, and the share of the peak', () => {
  const meter = new SpeedMeter({ samplesPerStep: 6, tokensPerSample: 10 }, 1000);
  meter.add(0.5, 200);
  expect(meter.now()).toEqual({ samplesPerSecond: 12, tokensPerSecond: 120, peakShare: 0.4 });
  meter.add(1.5, 1000);
  expect(meter.now()).toEqual({ samplesPerSecond: 6, tokensPerSecond: 60, peakShare: 0.6 });
  expect(meter.secondsFor(7)).toBe(7);
});

test.each([
  ['nobody counts', 1000, undefined],
  ['no peak', undefined, 5],
])('no share where %s', (_, peak, flop) => {
  const meter = new SpeedMeter({ samplesPerStep: 1 }, peak);
  meter.add(1, 5);
  meter.add(1, flop);
  expect(meter.now()).toEqual({ samplesPerSecond: 1, tokensPerSecond: undefined, peakShare: undefined });
});
