import { CheckpointError } from '@easel/core';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { explain, reportError } from './report-error.js';
import { UsageError } from './usage-error.js';

let printed = '';
beforeEach(() => {
  printed = '';
  delete process.env.EASEL_DEBUG;
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
});
afterEach(() => {
  delete process.env.EASEL_DEBUG;
  jest.restoreAllMocks();
});

/** A system error as Node's fs throws it. */
function systemError(code: string, path?: string): Error {
  return Object.assign(new Error(`${code}: raw, write`), {
    code,
    syscall: 'write',
    ...(path === undefined ? {} : { path }),
  });
}

describe('reportError', () => {
  test("Easel's own error: its paragraph, code 1, no stack", () => {
    expect(
      reportError(new CheckpointError('a.bin: this is a web page.\n  Download it again.'), 'inspect'),
    ).toBe(1);
    expect(printed).toBe('easel inspect: a.bin: this is a web page. Download it again.\n');
  });

  test('a command line that cannot be understood: code 2', () => {
    expect(reportError(new UsageError('no command given.'), '')).toBe(2);
    expect(printed).toBe('easel: no command given.\n');
  });

  test('an abort: code 130, nothing printed', () => {
    const controller = new AbortController();
    controller.abort();
    expect(reportError(controller.signal.reason, 'train')).toBe(130);
    expect(printed).toBe('');
  });

  test('system errors say what they mean and name the path', () => {
    expect(explain(systemError('ENOSPC', '/data/x.png'))).toContain(
      '/data/x.png: the disk is full. What was finished before is kept',
    );
    expect(explain(systemError('EACCES', '/root/x'))).toContain('/root/x: permission denied');
    expect(explain(systemError('ENOSPC'))).toMatch(/^write: the disk is full/);
    expect(explain(systemError('EWEIRD'))).toBeUndefined();
  });

  test('a fault of the program is named as one; EASEL_DEBUG adds the stack', () => {
    expect(reportError(new TypeError('x is not a function'), 'train')).toBe(1);
    expect(printed).toContain('easel train: TypeError: x is not a function — this is a fault of Easel.');
    expect(printed.trim().split('\n')).toHaveLength(1);
    process.env.EASEL_DEBUG = '1';
    reportError(new TypeError('x is not a function'), 'train');
    expect(printed).toContain('report-error.test');
  });

  test('what is no error at all', () => {
    expect(reportError('odd', '')).toBe(1);
    expect(printed).toContain('easel: odd');
  });
});
