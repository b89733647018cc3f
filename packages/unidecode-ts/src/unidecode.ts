import { BLOCKS, SYLLABLE_PARTS } from './blocks.js';

// biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is meant
const ASCII = /^[\x00-\x7f]*$/;

const FIRST_SYLLABLE = 0xac00;
const LAST_SYLLABLE = 0xd7a3;

/** The blocks of the table that have been used, split into one string for each code point. */
const opened = new Map<number, readonly string[]>();

/**
 * Writes `text` in ASCII: letters of other scripts by their sound, symbols by their look. A
 * character without a spelling vanishes, and so does a lone surrogate. ASCII stays as it is.
 *
 * Each character is looked up by itself, whatever stands beside it. The spellings are those of
 * Unidecode 1.4.0: https://pypi.org/project/Unidecode/1.4.0.
 */
export function unidecode(text: string): string {
  if (ASCII.test(text)) return text;
  let ascii = '';
  for (let i = 0; i < text.length; i++) {
    const code = text.codePointAt(i) as number;
    if (code < 0x80) ascii += text.charAt(i);
    else if (code >= FIRST_SYLLABLE && code <= LAST_SYLLABLE) ascii += syllable(code - FIRST_SYLLABLE);
    else ascii += (opened.get(code >> 8) ?? open(code >> 8))[code & 0xff] ?? '';
    if (code > 0xffff) i++;
  }
  return ascii;
}

function open(block: number): readonly string[] {
  const row = BLOCKS[block]?.split('\t') ?? [];
  opened.set(block, row);
  return row;
}

/**
 * Returns the spelling of a Hangul syllable by its number: the spellings of its parts, of which the
 * last counts fastest.
 */
function syllable(number: number): string {
  let rest = number;
  let spelling = '';
  for (const parts of SYLLABLE_PARTS.toReversed()) {
    spelling = (parts[rest % parts.length] as string) + spelling;
    rest = Math.floor(rest / parts.length);
  }
  return spelling;
}
