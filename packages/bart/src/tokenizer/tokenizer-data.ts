import type { AddedToken, TokenizerData } from '@easel/core/internals';
import type { SpecialTokens } from './special-tokens.js';
import type { WordOptions } from './words.js';

/** The parts of a tokenizer. */
export interface BpeTokenizerData extends TokenizerData<SpecialTokens> {
  /**
   * Token for a byte that the vocabulary lacks. If it is left out, such bytes are dropped before
   * merging, as the originals do.
   */
  readonly unknown?: string | undefined;
  readonly lowerCase?: boolean;
  readonly addPrefixSpace?: boolean;
}

/** A tokenizer in the terms of its files. */
export interface DescribedTokenizer {
  readonly vocab: ReadonlyMap<string, number>;
  readonly merges: readonly (readonly [string, string])[];
  readonly specials: SpecialTokens;
  readonly added: readonly AddedToken[];
  readonly wordOptions: WordOptions;
}
