import { describe, expect, test } from '@jest/globals';
import { formatSeconds, Progress } from './progress.js';

/** A stream that keeps what is written, and a clock that the test sets. */
function recorder(isTTY: boolean, columns = 200) {
  const state = { text: '', milliseconds: 0 };
  const stream = { isTTY, columns, write: (text: string) => (state.text += text) };
  return { state, options: { stream, now: () => state.milliseconds } };
}

test('formatSeconds: minutes, hours, rounding, never negative', () => {
  expect(formatSeconds(0)).toBe('0:00');
  expect(formatSeconds(59.6)).toBe('1:00');
  expect(formatSeconds(3725)).toBe('1:02:05');
  expect(formatSeconds(-3)).toBe('0:00');
});

describe('Progress', () => {
  test('on a terminal: share, count, rate, time left, note', () => {
    const { state, options } = recorder(true);
    const progress = new Progress({ label: 'drawing', total: 64, unit: 'tokens', ...options });
    state.milliseconds = 8000;
    progress.update(16, { note: 'loss 1.5' });
    // 16 of 64 in 8 s: 2/s, so 48 / 2 = 24 s are left; a quarter of 24 cells is 6.
    expect(state.text).toBe(
      `\r\x1b[Kdrawing  [======${' '.repeat(18)}]  16/64 tokens  2.0/s  0:24 left  loss 1.5`,
    );
    progress.update(64);
    state.milliseconds = 8050;
    progress.finish();
    expect(state.text.endsWith('\n')).toBe(true);
    expect(state.text).toContain('64/64 tokens  8.0/s  in 0:08');
  });

  test('redraws at most ten times a second', () => {
    const { state, options } = recorder(true);
    const progress = new Progress({ label: 'x', total: 1000, unit: 'rows', ...options });
    for (let i = 1; i <= 1000; i++) {
      state.milliseconds = i;
      progress.update(i);
    }
    expect(state.text.split('\r').length - 1).toBe(10); // at 1, 101, ..., 901 ms
  });

  test('elsewhere: a plain line every ten seconds and one at the end', () => {
    const { state, options } = recorder(false);
    const progress = new Progress({ label: 'encoding', total: 30, unit: 'pictures', ...options });
    for (let second = 1; second <= 25; second++) {
      state.milliseconds = second * 1000;
      progress.update(second);
    }
    progress.finish();
    expect(state.text).toBe(
      'encoding  10/30 pictures  1.0/s  0:20 left\nencoding  20/30 pictures  1.0/s  0:10 left\nencoding  25/30 pictures  1.0/s  0:05 left\n',
    );
  });

  test('where it starts late: clock, rate and lines begin at the first update; news before it is told', () => {
    const { state, options } = recorder(false);
    const late = { label: 'training', unit: 'steps', startsLate: true, ...options };
    new Progress(late).finish();
    expect(state.text).toBe('');
    const progress = new Progress(late);
    progress.log('news');
    state.milliseconds = 60_000;
    progress.update(100, { total: 200 });
    expect(state.text).toBe('news\n');
    state.milliseconds = 70_000;
    progress.update(120);
    // 20 steps in 10 s: 2/s, so the 80 that are left take 40 s.
    expect(state.text).toBe('news\ntraining  120/200 steps  2.0/s  0:40 left\n');
  });

  test('an unknown total gives a count; it may become known', () => {
    const { state, options } = recorder(true);
    const progress = new Progress({ label: 'reading', unit: 'rows', ...options });
    state.milliseconds = 1000;
    progress.update(7);
    expect(state.text).toContain('reading  7 rows  7.0/s');
    state.milliseconds = 2000;
    progress.update(10, { total: 20 });
    expect(state.text).toContain('10/20 rows  5.0/s  0:02 left');
  });

  test('a line never exceeds the terminal', () => {
    const { state, options } = recorder(true, 40);
    new Progress({ label: 'training', total: 9, unit: 'steps', ...options }).update(3, {
      note: 'x'.repeat(99),
    });
    expect(state.text.replace('\r\x1b[K', '')).toHaveLength(39);
  });

  test('news stand above the bar, which is drawn again below them', () => {
    const { state, options } = recorder(true);
    const progress = new Progress({ label: 'x', total: 2, unit: 'rows', ...options });
    progress.log('before');
    progress.update(1);
    progress.log('news');
    const bar = `\r\x1b[Kx  [${'='.repeat(12)}${' '.repeat(12)}]  1/2 rows`;
    expect(state.text).toBe(`before\n${bar}\r\x1b[Knews\n${bar}`);
  });

  test('pictures stand above the bar; others of their height are written over them', () => {
    const { state, options } = recorder(true);
    const progress = new Progress({ label: 'x', total: 2, unit: 'rows', ...options });
    const block = (name: string, lines = 2) => ({
      lines,
      text: `${name}\n`.repeat(lines),
      removal: `<${name}>`,
    });
    progress.showBlock(block('a'));
    expect(state.text).toBe(''); // the first update draws both
    progress.update(1);
    const bar = `\r\x1b[Kx  [${'='.repeat(12)}${' '.repeat(12)}]  1/2 rows`;
    expect(state.text).toBe(`\r\x1b[Ja\na\n${bar}`);
    const written = (act: () => void) => {
      state.text = '';
      act();
      return state.text;
    };
    expect(written(() => progress.showBlock(block('b')))).toBe(`<a>\x1b[2A\rb\nb\n${bar}`);
    expect(written(() => progress.showBlock(block('c', 1)))).toBe(`<b>\x1b[2A\r\x1b[Jc\n${bar}`);
    expect(written(() => progress.log('news'))).toBe(`<c>\x1b[1A\r\x1b[Jnews\n\r\x1b[Jc\n${bar}`);
    expect(written(() => progress.clear())).toBe('<c>\x1b[1A\r\x1b[J');
    expect(written(() => progress.showBlock(undefined))).toBe('');
    state.milliseconds = 100;
    expect(written(() => progress.update(2))).toContain('\r\x1b[Kx  [====');
  });

  test('a stream that is no terminal shows no pictures', () => {
    const { state, options } = recorder(false);
    const progress = new Progress({ label: 'x', total: 2, unit: 'rows', ...options });
    progress.showBlock({ lines: 1, text: 'a\n', removal: '' });
    progress.update(2);
    progress.finish();
    expect(state.text).toBe('x  2/2 rows\n');
  });

  test('quiet writes nothing', () => {
    const { state, options } = recorder(true);
    const progress = new Progress({ label: 'x', total: 2, unit: 'rows', quiet: true, ...options });
    progress.update(1);
    progress.log('news');
    progress.finish();
    expect(state.text).toBe('');
  });
});
