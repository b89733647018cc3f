import { expect, test } from '@jest/globals';
import { SpecialTokenCutter } from './special-tokens.js';

const plain = { lstrip: false, rstrip: false };
const ids = new Map(Object.entries({ '<s>': 0, '<s>s': 1, '<mask>': 2 }));

test('the longest token that starts at a place; white space as the token says', () => {
  const cutter = new SpecialTokenCutter(
    [
      { content: '<s>', ...plain },
      { content: '<s>s', ...plain },
      { content: '<mask>', lstrip: true, rstrip: false },
      { content: '<absent>', ...plain },
    ],
    ids,
  );
  expect(cutter.cut('a <s>s<s> b \u2003<mask> c<absent>')).toEqual(['a ', 1, 0, ' b', 2, ' c<absent>']);
  expect(cutter.cut('')).toEqual([]);
  expect([cutter.has('<s>'), cutter.has('<absent>')]).toEqual([true, false]);
});

test('white space to the right, and no tokens at all', () => {
  const cutter = new SpecialTokenCutter([{ content: '<mask>', lstrip: false, rstrip: true }], ids);
  expect(cutter.cut('a <mask>\u0085\ufeff b')).toEqual(['a ', 2, '\ufeff b']); // U+FEFF is no White_Space
  expect(new SpecialTokenCutter([], ids).cut('<s>')).toEqual(['<s>']);
});
