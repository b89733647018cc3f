import { expect, test } from '@jest/globals';
import { BpeTokenizer } from './bpe-tokenizer.js';
import { MinDalleTokenizer } from './min-dalle-tokenizer.js';

const tokens = [
  '<s>',
  '<pad>',
  '</s>',
  '<unk>',
  '<mask>',
  'Ġ',
  'a',
  'b',
  'c',
  '!',
  'Ġa',
  'Ġab',
  'b!',
  ':',
  '_',
];
const tokenizer = new MinDalleTokenizer(
  new BpeTokenizer({
    vocab: new Map(tokens.map((token, id) => [token, id])),
    merges: [
      ['Ġ', 'a'],
      ['Ġa', 'b'],
      ['b', '!'],
    ],
  }),
);

test.each([
  ['words with a space before each', 'a ab', [0, 10, 11, 2]],
  ['runs of spaces are one, capitals are small', '  A   B ', [0, 10, 5, 7, 2]],
  ['punctuation is part of the word: the most urgent pair first', 'ab!', [0, 11, 9, 2]],
  ['unknown letters and line ends are <unk>, and nothing merges over them', 'az\nb', [0, 10, 3, 3, 7, 2]],
  ['what is not ASCII is dropped', 'áab', [0, 11, 2]],
  ['special tokens are plain characters', '<s>', [0, 5, 3, 3, 3, 2]],
  ['nothing', '', [0, 2]],
])('%s', (_, text, ids) => {
  expect(tokenizer.encode(text)).toEqual(ids);
});
