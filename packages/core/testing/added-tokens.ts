import { readFileSync } from 'node:fs';
import type { TokenizerFiles } from '@easel/core/internals';
import { expect } from '@jest/globals';

interface Tokenizer {
  encode(text: string): number[];
  decode(ids: Iterable<number>): string;
}

interface Vocabulary {
  readonly files: TokenizerFiles;
  readonly cases: readonly {
    readonly text: string;
    readonly ids: number[];
    /** What the ids say, where it was recorded. */
    readonly decoded?: string;
  }[];
}

/**
 * Expects a tokenizer to cut added tokens out of texts as tokenizers 0.23 does, also once it was
 * written and read again. `recorded` was made by reference/added-token-differences.py: six random
 * vocabularies, with added tokens and texts.
 */
export function expectAddedTokens<T extends Tokenizer>(
  recorded: URL,
  fromFiles: (files: TokenizerFiles) => T,
  toFiles: (tokenizer: T) => ReadonlyMap<string, string>,
): void {
  const lines = readFileSync(recorded, 'utf8').trim().split('\n');
  expect(lines).toHaveLength(6);
  for (const line of lines) {
    const { files, cases } = JSON.parse(line) as Vocabulary;
    const tokenizer = fromFiles(files);
    const written = toFiles(tokenizer);
    const again = fromFiles({
      vocab: written.get('vocab.json'),
      merges: written.get('merges.txt'),
      specialTokensMap: written.get('special_tokens_map.json'),
      tokenizerConfig: written.get('tokenizer_config.json'),
    });
    for (const { text, ids, decoded } of cases) {
      expect([text, tokenizer.encode(text).slice(1, -1)]).toEqual([text, ids]);
      expect(again.encode(text).slice(1, -1)).toEqual(ids);
      if (decoded !== undefined) expect(tokenizer.decode(ids)).toBe(decoded);
    }
  }
}
