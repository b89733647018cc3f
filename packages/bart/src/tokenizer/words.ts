import { AFTER_UNICODE_14 } from '@easel/core/internals';

const LETTER = String.raw`[\p{L}--[${AFTER_UNICODE_14}]]`;
const NUMBER = String.raw`[\p{N}--[${AFTER_UNICODE_14}]]`;

/**
 * Matches the words of byte-level BPE: contractions; letters, digits or other signs with one
 * leading space; white space. Merges never cross a word.
 *
 * White space is Unicode's White_Space, as in the originals' regular expressions. It includes
 * U+0085 and excludes U+FEFF; JavaScript's `\s` does the opposite. Letters and numbers are those of
 * Unicode 14, also as in the originals.
 *
 * Source: GPT-2, openai/gpt-2 `src/encoder.py`.
 */
const WORD = new RegExp(
  String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?${LETTER}+| ?${NUMBER}+| ?[^\p{White_Space}${LETTER}${NUMBER}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+`,
  'gv',
);

/** Options of a tokenizer for preparing text before it is cut into words. */
export interface WordOptions {
  /** Whether the text is lower-cased first. */
  readonly lowerCase: boolean;
  /**
   * Whether a space is put before a text that starts without one, so that its first word is treated
   * like any other.
   */
  readonly addPrefixSpace: boolean;
}

/**
 * Cuts `text` into the words that BPE works on. The words joined give the text (lower-cased, with
 * its prefix space). A lone surrogate counts as three U+FFFD, one for each byte of its WTF-8 form,
 * as in the Rust tokenizers.
 */
export function words(text: string, options: WordOptions): string[] {
  let clean = text.replace(/\p{Surrogate}/gu, '\ufffd\ufffd\ufffd');
  if (options.lowerCase) clean = clean.toLowerCase();
  if (options.addPrefixSpace && clean !== '' && !clean.startsWith(' ')) clean = ` ${clean}`;
  return clean.match(WORD) ?? [];
}
