import { expect, test } from '@jest/globals';
import { idleWait } from './idle-wait.js';

test('a wait gives what the promise gives, and lets timers run meanwhile', async () => {
  let ticks = 0;
  const timer = setInterval(() => {
    ticks += 1;
  }, 1);
  const later = new Promise<number>((done) => setTimeout(() => done(7), 30));
  const values = await Promise.all([idleWait(later), idleWait(Promise.resolve(1))]);
  clearInterval(timer);
  expect(values).toEqual([7, 1]);
  expect(ticks).toBeGreaterThan(0);
  await expect(idleWait(Promise.reject(new Error('failed')))).rejects.toThrow('failed');
});
