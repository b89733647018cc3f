import { expect, test } from '@jest/globals';
import { HashtagSplitter, parseWordFrequencies } from './hashtags.js';

/** Words by rank, the others being words of no use here. */
function ranked(ranks: Readonly<Record<string, number>>): string[] {
  const words = Array.from({ length: Math.max(...Object.values(ranks)) }, (_, i) => `-${i}`);
  for (const [word, rank] of Object.entries(ranks)) words[rank - 1] = word;
  return words;
}

test('without words: letters, and digits together', () => {
  expect(new HashtagSplitter([]).split('ab12')).toBe('a b 12');
});

test('the cheapest split', () => {
  const splitter = new HashtagSplitter(ranked({ cat: 2, s: 4, cats: 9, dog: 3, "'s": 5 }));
  expect(splitter.split('catsDog')).toBe('cat s Dog'); // 2·4 < 9
  expect(splitter.split("dog's_cats")).toBe("dog's cat s");
});

// Python: log(3) + log(10) > log(30), log(2) + log(24) == log(48). V8's Math.log has it the other
// way round.
test('splits of the same cost, by the last bit of the logarithms', () => {
  expect(new HashtagSplitter(ranked({ a: 3, b: 10, ab: 30 })).split('ab')).toBe('ab');
  expect(new HashtagSplitter(ranked({ a: 2, b: 24, ab: 48 })).split('ab')).toBe('a b');
});

test('parseWordFrequencies: lines and words end as in Python', () => {
  expect(parseWordFrequencies('the 9\r\nof\u00a08\x85and\t7\u2028\ufeffin 6\n\n')).toEqual([
    'the',
    'of',
    'and',
    '\ufeffin',
  ]);
});
