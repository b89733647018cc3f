import { describe, expect, test } from '@jest/globals';
import { words } from './words.js';

const plain = { lowerCase: false, addPrefixSpace: false };

describe('words', () => {
  test('contractions, letters, numbers, signs, white space', () => {
    expect(words("we'll  draw 3x\t!", plain)).toEqual(['we', "'ll", ' ', ' draw', ' 3', 'x', '\t', '!']);
  });

  test('letters that are younger than Unicode 14 are signs, on every engine', () => {
    // U+13460 is a hieroglyph of Unicode 16, U+13000 one of Unicode 5.2. tokenizers 0.13.3 cuts so.
    expect(words("\u{13460}'ll\u{13000}'ll", plain)).toEqual(["\u{13460}'", 'll\u{13000}', "'ll"]);
    expect(words('x\u{1ccf0}\u{1d7ce}', plain)).toEqual(['x', '\u{1ccf0}', '\u{1d7ce}']); // digits of 16 and of 3.1
  });
});
