import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { interruptible, isAbort } from './interrupt.js';

beforeEach(() => {
  jest.spyOn(process.stderr, 'write').mockImplementation(() => true);
});
afterEach(() => {
  jest.restoreAllMocks();
  process.exitCode = undefined;
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)(
  '%s aborts; the work ends when it can, the exit code is %i and the handlers go',
  async (name, code) => {
    const handlers = process.listenerCount(name);
    const result = await interruptible(async (signal) => {
      process.emit(name, name);
      expect(isAbort(signal.reason)).toBe(true);
      return signal.aborted;
    });
    expect(result).toBe(true);
    expect(process.exitCode).toBe(code);
    expect(process.listenerCount(name)).toBe(handlers);
  },
);

test('a second signal ends the program by that signal, and not by waiting for its threads', async () => {
  const kill = jest.spyOn(process, 'kill').mockImplementation(() => true);
  await interruptible(async () => {
    process.emit('SIGTERM', 'SIGTERM');
    expect(kill).not.toHaveBeenCalled();
    process.emit('SIGINT', 'SIGINT');
  });
  expect(kill).toHaveBeenCalledWith(process.pid, 'SIGINT');
});

test('without a signal the exit code stays, also when the work fails', async () => {
  await expect(interruptible(() => Promise.reject(new RangeError('mine')))).rejects.toThrow('mine');
  expect(process.exitCode).toBeUndefined();
});
