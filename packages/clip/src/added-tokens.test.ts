import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { ClipTokenizer, clipTokenizerFiles } from './tokenizer.js';

// Made by reference/added-token-differences.py with tokenizers 0.23: random vocabularies, added
// tokens and texts.
const vocabularies = readFileSync(new URL('./golden/added-tokens.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map(
    (line) =>
      JSON.parse(line) as {
        readonly files: Readonly<Record<string, string>>;
        readonly cases: readonly { readonly text: string; readonly ids: number[] }[];
      },
  );

test('added tokens are cut out of texts as tokenizers does, also when written and read again', () => {
  expect(vocabularies).toHaveLength(6);
  for (const { files, cases } of vocabularies) {
    const tokenizer = ClipTokenizer.fromFiles(files);
    const written = clipTokenizerFiles(tokenizer);
    const again = ClipTokenizer.fromFiles({
      vocab: written.get('vocab.json'),
      merges: written.get('merges.txt'),
      specialTokensMap: written.get('special_tokens_map.json'),
      tokenizerConfig: written.get('tokenizer_config.json'),
    });
    for (const { text, ids } of cases) {
      expect([text, tokenizer.encode(text).slice(1, -1)]).toEqual([text, ids]);
      expect(again.encode(text).slice(1, -1)).toEqual(ids);
    }
  }
});
