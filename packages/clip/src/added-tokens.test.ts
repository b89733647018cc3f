import { test } from '@jest/globals';
import { expectAddedTokens } from '../../core/testing/added-tokens.js';
import { ClipTokenizer, clipTokenizerFiles } from './tokenizer.js';

test('added tokens are cut out of texts as tokenizers does, also when written and read again', () => {
  const recorded = new URL('./golden/added-tokens.jsonl', import.meta.url);
  expectAddedTokens(recorded, ClipTokenizer.fromFiles, clipTokenizerFiles);
});
