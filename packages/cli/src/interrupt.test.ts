import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { interruptible, isAbort } from './interrupt.js';

beforeEach(() => {
  jest.spyOn(process.stderr, 'write').mockImplementation(() => true);
});
afterEach(() => {
  jest.restoreAllMocks();
  process.exitCode = undefined;
});

test('SIGINT aborts the signal; the work ends when it can, the exit code is 130 and the handlers go', async () => {
  const handlers = process.listenerCount('SIGINT');
  const result = await interruptible(async (signal) => {
    process.emit('SIGINT');
    expect(isAbort(signal.reason)).toBe(true);
    return signal.aborted;
  });
  expect(result).toBe(true);
  expect(process.exitCode).toBe(130);
  expect(process.listenerCount('SIGINT')).toBe(handlers);
});

test('a second signal ends the program at once', async () => {
  const exit = jest.spyOn(process, 'exit').mockImplementation(() => undefined as never);
  await interruptible(async () => {
    process.emit('SIGTERM');
    expect(exit).not.toHaveBeenCalled();
    process.emit('SIGINT');
  });
  expect(exit).toHaveBeenCalledWith(130);
});

test('without a signal the exit code stays, also when the work fails', async () => {
  await expect(interruptible(() => Promise.reject(new RangeError('mine')))).rejects.toThrow('mine');
  expect(process.exitCode).toBeUndefined();
});
