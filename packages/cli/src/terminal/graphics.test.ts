import { expect, test } from '@jest/globals';
import { detectGraphics, type Graphics } from './graphics.js';

/** The way that is found, and what was asked. */
async function found(env: Record<string, string>, answer = '', depth = 8): Promise<[Graphics, string]> {
  let asked = '';
  const ask = async (query: string, isComplete: (text: string) => boolean) => {
    asked += query;
    expect(isComplete('\x1b[6;16;8t')).toBe(false);
    expect(isComplete('\x1b[?62c')).toBe(true);
    return answer;
  };
  return [await detectGraphics({ env, depth, ask }), asked];
}

test.each<[string, Record<string, string>, Graphics]>([
  ['kitty', { TERM: 'xterm-kitty' }, { protocol: 'kitty' }],
  ['kitty with another TERM', { TERM: 'xterm-256color', KITTY_WINDOW_ID: '1' }, { protocol: 'kitty' }],
  ['Ghostty', { TERM_PROGRAM: 'ghostty' }, { protocol: 'kitty' }],
  ['WezTerm', { TERM_PROGRAM: 'WezTerm' }, { protocol: 'kitty' }],
  ['iTerm2', { TERM_PROGRAM: 'iTerm.app' }, { protocol: 'iterm2' }],
  ['iTerm2 at the other end of ssh', { LC_TERMINAL: 'iTerm2' }, { protocol: 'iterm2' }],
  [
    'NO_COLOR, whatever the terminal',
    { TERM: 'xterm-kitty', NO_COLOR: '1' },
    { protocol: 'blocks', depth: 1 },
  ],
])('%s is known without a question', async (_, env, graphics) => {
  expect(await found(env)).toEqual([graphics, '']);
});

test.each<[string, string, number, Record<string, string>, Graphics]>([
  [
    'sixels and the size of a cell',
    '\x1b[6;20;10t\x1b[?62;4;22c',
    24,
    {},
    { protocol: 'sixel', cell: { width: 10, height: 20 } },
  ],
  ['sixels without the size', '\x1b[?62;4c', 24, {}, { protocol: 'blocks', depth: 24 }],
  [
    'no sixels: 14 and 64 are other attributes',
    '\x1b[6;20;10t\x1b[?14;64c',
    8,
    {},
    { protocol: 'blocks', depth: 8 },
  ],
  ['no answer', '', 8, {}, { protocol: 'blocks', depth: 8 }],
  ['COLORTERM', '', 8, { COLORTERM: 'truecolor' }, { protocol: 'blocks', depth: 24 }],
  ['16 colours', '', 4, {}, { protocol: 'blocks', depth: 1 }],
  ['an empty NO_COLOR', '', 24, { NO_COLOR: '' }, { protocol: 'blocks', depth: 24 }],
  [
    'tmux in kitty',
    '',
    24,
    { TERM: 'tmux-256color', KITTY_WINDOW_ID: '1' },
    { protocol: 'blocks', depth: 24 },
  ],
  [
    'tmux with another TERM',
    '',
    24,
    { TMUX: '/tmp/1', TERM_PROGRAM: 'iTerm.app' },
    { protocol: 'blocks', depth: 24 },
  ],
])('asked: %s', async (_, answer, depth, env, graphics) => {
  expect(await found(env, answer, depth)).toEqual([graphics, '\x1b[16t\x1b[c']);
});
