import { expect, test } from '@jest/globals';
import { Throughput } from './throughput.js';

test('codes a second while there is anything to draw', () => {
  let now = 1000;
  const throughput = new Throughput(() => now);
  expect(throughput.perSecond).toBeUndefined();
  throughput.begin();
  now += 500;
  throughput.add(20);
  expect(throughput.perSecond).toBe(40);
  throughput.pause();
  now += 60_000;
  throughput.begin();
  throughput.begin(); // another request beside it
  now += 500;
  throughput.add(60);
  expect(throughput.perSecond).toBe(80);
});

test('what is long ago counts less', () => {
  let now = 0;
  const throughput = new Throughput(() => now);
  throughput.begin();
  for (let second = 0; second < 100; second++) {
    now += 1000;
    throughput.add(second < 50 ? 10 : 30);
  }
  expect(throughput.perSecond).toBeGreaterThan(29.5);
});
