import type { SpecialTokens } from './special-tokens.js';
import type { WordOptions } from './words.js';

/** What a tokenizer is made of. */
export interface BpeTokenizerData {
  /** Token → id. */
  readonly vocab: ReadonlyMap<string, number>;
  /** Pairs of tokens to join, most urgent first. */
  readonly merges: readonly (readonly [string, string])[];
  readonly specials?: SpecialTokens;
  /**
   * Token for a byte without an entry. Without one such bytes are dropped before merging, as the
   * originals do.
   */
  readonly unknown?: string | undefined;
  readonly lowerCase?: boolean;
  readonly addPrefixSpace?: boolean;
}

/** What the files of a tokenizer say of it. */
export interface DescribedTokenizer {
  readonly vocab: ReadonlyMap<string, number>;
  readonly merges: readonly (readonly [string, string])[];
  readonly specials: SpecialTokens;
  readonly wordOptions: WordOptions;
}
