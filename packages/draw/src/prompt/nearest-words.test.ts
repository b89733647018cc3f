import { expect, test } from '@jest/globals';
import { baseForms } from './base-forms.js';
import { NearestWords } from './nearest-words.js';

test.each([
  ['hearts', 'heart'],
  ['boxes', 'box'],
  ['berries', 'berry'],
  ['flies', 'fly'],
  ['leaves', 'leaf'],
  ['knives', 'knife'],
  ['running', 'run'],
  ['smiling', 'smile'],
  ['jumped', 'jump'],
  ['bigger', 'big'],
  ['greenish', 'green'],
  ["queen's", 'queen'],
])('%s may come from %s', (word, base) => {
  expect([...baseForms(word)]).toContain(base);
});

test('short words have no base but themselves', () => {
  for (const word of ['red', 'bed', 'sky', 'is', 'king', 'ring', 'a'])
    expect([...baseForms(word)]).toEqual([word]);
});

// The most frequent first, as a list of words has them.
const nearest = new NearestWords(
  ...[
    ['a', 'hot', 'cat', 'dog', 'elegant', 'elephant', 'berries', 'fox', 'cart', 'rocket', '42', '43', 'of'],
  ],
);

test.each([
  ['elefant', ['elephant', 'elegant']], // sounds alike
  ['rokcet', ['rocket']],
  ['berry', ['berries']],
  ['foxes', ['fox']],
  ['hotdog', ['hot dog']],
  ['catt', ['cat', 'cart']],
  ['44', []], // a number is no misspelt one
  ['og', []], // of two letters anything is near
  ['zorblax', []],
  ['', []],
])('%s: %s', (word, suggestions) => {
  expect(nearest.of(word, 3)).toEqual(suggestions);
});

test('as many as asked for', () => {
  expect(nearest.of('catt', 1)).toEqual(['cat']);
});
