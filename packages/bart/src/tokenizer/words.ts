import { AFTER_UNICODE_14 } from '@easel/core/internals';

const LETTER = String.raw`[\p{L}--[${AFTER_UNICODE_14}]]`;
const NUMBER = String.raw`[\p{N}--[${AFTER_UNICODE_14}]]`;

/**
 * The words of byte-level BPE: contractions, then letters, digits or other signs with one leading
 * space, then white space. Merges never cross a word.
 *
 * White space is Unicode White_Space, as in the originals' regular expressions: with U+0085,
 * without U+FEFF, which JavaScript's `\s` has the other way round. Letters and numbers are those of
 * Unicode 14, as there.
 *
 * Source: GPT-2, openai/gpt-2 `src/encoder.py`.
 */
const WORD = new RegExp(
  String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?${LETTER}+| ?${NUMBER}+| ?[^\p{White_Space}${LETTER}${NUMBER}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+`,
  'gv',
);

/** How a tokenizer prepares text before it is cut into words. */
export interface WordOptions {
  /** Lower-case the text first. */
  readonly lowerCase: boolean;
  /**
   * Put a space before a text that starts without one, so that its first word is written as any
   * other.
   */
  readonly addPrefixSpace: boolean;
}

/**
 * Cuts `text` into the words that BPE works on. Joined, they are the text (lower-cased, with its
 * prefix space). A lone surrogate counts as three U+FFFD, one for each byte of its WTF-8 form, as
 * in the Rust tokenizers.
 */
export function words(text: string, options: WordOptions): string[] {
  let clean = text.replace(/\p{Surrogate}/gu, '\ufffd\ufffd\ufffd');
  if (options.lowerCase) clean = clean.toLowerCase();
  if (options.addPrefixSpace && clean !== '' && !clean.startsWith(' ')) clean = ` ${clean}`;
  return clean.match(WORD) ?? [];
}
