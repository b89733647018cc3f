import { expect, test } from '@jest/globals';
import { expectAddedTokens } from '../../../core/testing/added-tokens.js';
import { BpeTokenizer } from './bpe-tokenizer.js';
import { tokenizerFiles } from './files.js';

test('added tokens are cut out of texts as tokenizers does, also when written and read again', () => {
  const recorded = new URL('./golden/added-tokens.jsonl', import.meta.url);
  expectAddedTokens(recorded, BpeTokenizer.fromFiles, tokenizerFiles);
});

test('the files of transformers that name added tokens', () => {
  const letters = ['<s>', '<pad>', '</s>', '<unk>', 'a', 'b', 'c', 't', '\u0120', 'ab', 'ca', 'cat'];
  const files = {
    vocab: JSON.stringify(Object.fromEntries(letters.map((token, id) => [token, id]))),
    merges: 'a b\nc a\nca t\n',
    addedTokens: '{"<sks>":12,"abcat":13}',
    specialTokensMap: '{"additional_special_tokens":["<sks>","<new>","cat"]}',
  };
  // As BartTokenizerFast of transformers 4.25.1 has them, with its own numbering of the letters.
  const tokenizer = BpeTokenizer.fromFiles(files);
  expect(tokenizer.encode('a <sks> abcat')).toEqual([0, 4, 8, 12, 8, 9, 11, 2]);
  expect(tokenizer.encode('<new>ab cat')).toEqual([0, 14, 9, 8, 11, 2]);
  expect(tokenizer.decode(tokenizer.encode('a <sks> abcat'))).toBe('a  ab');
  expect(tokenizer.size).toBe(15);
  expect(() => BpeTokenizer.fromFiles({ ...files, addedTokens: '{"<x>":4}' })).toThrow(
    /added_tokens\.json, "<x>": id 4 belongs to both "a" and "<x>"/,
  );
  expect(() =>
    BpeTokenizer.fromFiles({ ...files, tokenizerConfig: '{"added_tokens_decoder":{"12":{}}}' }),
  ).toThrow(/added_tokens_decoder\["12"\]: expected an object with "content"/);
});
