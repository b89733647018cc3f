import { describe, expect, test } from '@jest/globals';
import { BytePairEncoder } from './byte-pair-encoder.js';

// a 0, b 1, ab 2, aba 3; at a word's end a. 4, b. 5, ab. 6.
const vocab = new Map(Object.entries({ a: 0, b: 1, ab: 2, aba: 3, 'a.': 4, 'b.': 5, 'ab.': 6 }));

describe('BytePairEncoder', () => {
  test('the lowest rank is joined first, leftmost first', () => {
    const encoder = new BytePairEncoder({
      vocab,
      merges: [
        ['a', 'b'],
        ['ab', 'a'],
      ],
    });
    expect(encoder.encode('abab')).toEqual([2, 2]); // both a b before ab a
    expect(encoder.encode('aba')).toEqual([3]);
    expect(encoder.encode('')).toEqual([]);
    expect(encoder.size).toBe(7);
  });

  test('an end of word marks the last symbol alone', () => {
    const encoder = new BytePairEncoder({ vocab, merges: [['a', 'b.']], endOfWord: '.' });
    expect(encoder.encode('abab')).toEqual([0, 1, 6]);
    expect(encoder.encode('a')).toEqual([4]);
  });

  test('symbols without an entry vanish, or become the unknown token', () => {
    const merges = [['a', 'b']] as const;
    expect(new BytePairEncoder({ vocab, merges }).encode('axb')).toEqual([2]);
    expect(new BytePairEncoder({ vocab, merges, unknown: 'aba' }).encode('axb')).toEqual([0, 3, 1]);
  });

  test('a word of 400,000 letters', () => {
    const encoder = new BytePairEncoder({ vocab, merges: [['a', 'b']] });
    expect(encoder.encode('ab'.repeat(200_000))).toEqual(Array.from({ length: 200_000 }, () => 2));
  });

  test('errors', () => {
    expect(() => new BytePairEncoder({ vocab, merges: [['b', 'a']] })).toThrow(
      'merge 1 ("b a") needs the token "ba"',
    );
    expect(() => new BytePairEncoder({ vocab, merges: [], unknown: '?' })).toThrow('the unknown token needs');
    expect(() => new BytePairEncoder({ vocab, merges: [] }).token(7)).toThrow('ids 0 to 6');
  });
});
