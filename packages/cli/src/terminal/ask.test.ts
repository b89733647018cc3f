import { EventEmitter } from 'node:events';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { type AnswerStream, askTerminal } from './ask.js';

/** A terminal's input that tells of its mode. */
class Input extends EventEmitter implements AnswerStream {
  isTTY = true;
  readableEnded = false;
  isRaw = false;
  modes: boolean[] = [];
  flows: string[] = [];

  setRawMode(on: boolean): void {
    this.isRaw = on;
    this.modes.push(on);
  }
  resume(): void {
    this.flows.push('resume');
  }
  pause(): void {
    this.flows.push('pause');
  }
}

const isComplete = (answer: string) => answer.endsWith('c');

// A test's process need not be in the foreground; these are about the rest.
const platform = Object.getOwnPropertyDescriptor(process, 'platform') as PropertyDescriptor;
beforeAll(() => {
  Object.defineProperty(process, 'platform', { value: 'win32' });
});
afterAll(() => {
  Object.defineProperty(process, 'platform', platform);
});

test('the answer in parts; the mode is as it was, and nobody listens any more', async () => {
  const input = new Input();
  const asked: string[] = [];
  const output = {
    write: (text: string) => {
      asked.push(text);
      setImmediate(() => input.emit('data', Buffer.from('\x1b[?62;')));
      setImmediate(() => input.emit('data', Buffer.from('4c')));
    },
  };
  expect(await askTerminal('?', isComplete, input, output)).toBe('\x1b[?62;4c');
  expect(asked).toEqual(['?']);
  expect(input.modes).toEqual([true, false]);
  expect(input.flows).toEqual(['resume', 'pause']);
  expect(input.listenerCount('data')).toBe(0);
});

test('no answer: what came until the time was over', async () => {
  jest.useFakeTimers();
  const input = new Input();
  const answer = askTerminal('?', isComplete, input, { write: () => input.emit('data', Buffer.from('x')) });
  jest.advanceTimersByTime(1000);
  jest.useRealTimers();
  expect(await answer).toBe('x');
  expect(input.modes).toEqual([true, false]);
});

test('Ctrl-C is a signal, also while a terminal is asked', async () => {
  const kill = jest.spyOn(process, 'kill').mockReturnValue(true);
  const input = new Input();
  await askTerminal('?', isComplete, input, { write: () => input.emit('data', Buffer.from('\x03')) });
  expect(kill).toHaveBeenCalledWith(process.pid, 'SIGINT');
  kill.mockRestore();
  expect(input.modes).toEqual([true, false]);
});

test.each([
  ['no terminal', { isTTY: false }],
  ['an input that has ended', { readableEnded: true }],
])('%s: nothing is sent', async (_, state) => {
  const write = jest.fn();
  expect(await askTerminal('?', isComplete, Object.assign(new Input(), state), { write })).toBe('');
  expect(write).not.toHaveBeenCalled();
});
