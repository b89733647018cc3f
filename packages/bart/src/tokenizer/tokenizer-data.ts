import type { AddedToken } from '@easel/core/internals';
import type { SpecialTokens } from './special-tokens.js';
import type { WordOptions } from './words.js';

/** The parts of a tokenizer. */
export interface BpeTokenizerData {
  /** Token → id. */
  readonly vocab: ReadonlyMap<string, number>;
  /** Pairs of tokens to join, most urgent first. */
  readonly merges: readonly (readonly [string, string])[];
  readonly specials?: SpecialTokens;
  /** Tokens beside those that are cut out of texts; the vocabulary has them too. */
  readonly added?: readonly AddedToken[];
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
