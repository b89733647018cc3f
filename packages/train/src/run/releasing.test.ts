import { expect, test } from '@jest/globals';
import { releasing } from './releasing.js';

test('what was owned is released after the work, the newest first, one after the other', async () => {
  const told: string[] = [];
  const result = await releasing(async (own) => {
    own('a', (name) => void told.push(`${name} released`));
    own('b', async (name) => {
      await Promise.resolve();
      told.push(`${name} released`);
    });
    told.push('work');
    return 7;
  });
  expect(result).toBe(7);
  expect(told).toEqual(['work', 'b released', 'a released']);
});

test('the error of the work is thrown after everything was released, though a release fails', async () => {
  const told: string[] = [];
  const failing = releasing(async (own) => {
    own('a', (name) => void told.push(name));
    own('b', () => {
      throw new Error('release of b');
    });
    throw new Error('work');
  });
  await expect(failing).rejects.toThrow('work');
  expect(told).toEqual(['a']);
});

test('a release that fails after good work is an error', async () => {
  const failing = releasing(async (own) => own(1, () => Promise.reject(new Error('disk full'))));
  await expect(failing).rejects.toThrow('disk full');
});
