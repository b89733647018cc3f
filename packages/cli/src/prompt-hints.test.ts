import { expect, test } from '@jest/globals';
import { formatHints } from './prompt-hints.js';

const hint = (prompt: string, ...unknown: [word: string, ...suggestions: string[]][]) => ({
  prompt,
  unknown: unknown.map(([word, ...suggestions]) => ({ word, suggestions })),
  empty: false,
  cut: false,
});

test('a line for each unknown word, once, with what may be meant', () => {
  const hints = [
    hint('an elefant', ['elefant', 'elephant']),
    hint('an elefant, zorblax and cak', ['elefant', 'elephant'], ['zorblax'], ['cak', 'cake', 'cat', 'car']),
    hint('a dog'),
  ];
  expect(formatHints(hints, true).split('\n')).toEqual([
    '"elefant": the model does not know this word; did you mean "elephant"?',
    '"zorblax": the model does not know this word.',
    '"cak": the model does not know this word; did you mean "cake", "cat" or "car"?',
    '',
  ]);
  expect(formatHints(hints, false)).toContain('"zorblax": the model hardly knows this word.\n');
});

test('nothing to say, prompts without words, and many', () => {
  expect(formatHints([hint('a dog')], true)).toBe('');
  expect(formatHints([{ prompt: '?!', unknown: [], empty: true, cut: false }], true)).toBe(
    '"?!": the model reads no word in this prompt, so it draws anything.\n',
  );
  const many = hint('many', ...Array.from({ length: 13 }, (_, i): [string] => [`w${i}`]));
  const lines = formatHints([many], true).split('\n');
  expect(lines.slice(9)).toEqual([
    '"w9": the model does not know this word.',
    '3 more hints like these.',
    '',
  ]);
});
