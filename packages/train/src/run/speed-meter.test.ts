import { expect, test } from '@jest/globals';
import { SpeedMeter } from './speed-meter.js';

test('rates over all updates, and the share of the peak', () => {
  const meter = new SpeedMeter({ samplesPerStep: 6, tokensPerSample: 10 }, 1000);
  meter.add(0.5, { flop: 200, dataSeconds: 0.05 });
  expect(meter.now()).toEqual({
    samplesPerSecond: 12,
    tokensPerSecond: 120,
    peakShare: 0.4,
    computeShare: 0.9,
  });
  meter.add(1.5, { flop: 1000, dataSeconds: 0.35 });
  expect(meter.now()).toEqual({
    samplesPerSecond: 6,
    tokensPerSecond: 60,
    peakShare: 0.6,
    computeShare: 0.8,
  });
  expect(meter.secondsFor(7)).toBe(7);
});

test.each([
  ['nobody counts', 1000, undefined],
  ['no peak', undefined, 5],
])('no share where %s', (_, peak, flop) => {
  const meter = new SpeedMeter({ samplesPerStep: 1 }, peak);
  meter.add(1, { flop: 5 });
  meter.add(1, flop === undefined ? {} : { flop });
  expect(meter.now()).toEqual({
    samplesPerSecond: 1,
    tokensPerSecond: undefined,
    peakShare: undefined,
    computeShare: undefined,
  });
});
