import { BytePairTokenizer, type TokenizerFiles } from '@easel/core/internals';
import { parseTokenizerFiles } from './files.js';
import { BART_SPECIAL_TOKENS, type SpecialTokens } from './special-tokens.js';
import type { BpeTokenizerData } from './tokenizer-data.js';
import { type WordOptions, words } from './words.js';

/** Options of `decode`. */
export interface DecodeOptions {
  /** Whether special tokens are left out (default true). */
  readonly skipSpecialTokens?: boolean;
  /**
   * Whether spaces before punctuation and contractions are removed, as transformers does by default
   * (default false).
   */
  readonly cleanUpSpaces?: boolean;
}

/**
 * Byte-level BPE as in GPT-2, RoBERTa and BART: text → `<s>` ids `</s>`.
 *
 * It gives the ids of `DalleBartTokenizer` (tokenizers 0.13.3) for every text of
 * reference/golden/tokenizer.
 */
export class BpeTokenizer extends BytePairTokenizer<SpecialTokens> {
  readonly unknown: string | undefined;
  readonly wordOptions: WordOptions;

  /**
   * Makes a tokenizer from the files of a folder in Hugging Face form: vocab.json and merges.txt,
   * or tokenizer.json.
   *
   * Throws ConfigError, naming file and field, for anything that is not a byte-level BPE.
   */
  static fromFiles(files: TokenizerFiles): BpeTokenizer {
    return new BpeTokenizer(parseTokenizerFiles(files));
  }

  /**
   * Throws ConfigError if a special token, the unknown token or a part of a merge is not in the
   * vocabulary.
   */
  constructor(data: BpeTokenizerData) {
    const { unknown, lowerCase = false, addPrefixSpace = false } = data;
    const wordOptions = { lowerCase, addPrefixSpace };
    super(data, BART_SPECIAL_TOKENS, {
      normalize: (text) => text,
      words: (text) => words(text, wordOptions),
      unknown,
    });
    this.unknown = unknown;
    this.wordOptions = wordOptions;
  }

  /**
   * Returns the text of `ids`. Bytes that are no UTF-8 become U+FFFD.
   *
   * Throws DataError for an id that the vocabulary does not have.
   */
  decode(ids: Iterable<number>, options: DecodeOptions = {}): string {
    const text = this.textOf(ids, options.skipSpecialTokens ?? true);
    return options.cleanUpSpaces ? cleanUpSpaces(text) : text;
  }
}

/** Applies the replacements of transformers' `clean_up_tokenization`, in its order. */
function cleanUpSpaces(text: string): string {
  return text
    .replaceAll(' .', '.')
    .replaceAll(' ?', '?')
    .replaceAll(' !', '!')
    .replaceAll(' ,', ',')
    .replaceAll(" ' ", "'")
    .replaceAll(" n't", "n't")
    .replaceAll(" 'm", "'m")
    .replaceAll(" 's", "'s")
    .replaceAll(" 've", "'ve")
    .replaceAll(" 're", "'re");
}
