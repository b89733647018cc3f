import { isBad } from './badness.js';
import { CLASSES } from './mojibake-data.js';
import { SINGLE_BYTE_ENCODINGS, WINDOWS_1252 } from './single-byte-encoding.js';
import { decodeUtf8Variants } from './utf8-variants.js';

// biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is meant
const ASCII = /^[\x00-\x7f]*$/;
const C1_CONTROLS = /[\x80-\x9f]/g;

/**
 * Undoes decoding with the wrong encoding, as often as it was done: UTF-8 that was read as an
 * encoding of one byte a character, as a whole or in places, and Windows-1252 that was read as
 * Latin-1. Text without unlikely neighbours (`isBad`) stays as it is.
 *
 * Source: `fix_encoding` of ftfy 6.3.1, https://ftfy.readthedocs.io.
 */
export function fixEncoding(text: string): string {
  let fixed = text;
  for (;;) {
    const before = fixed;
    fixed = fixOnce(before);
    if (fixed === before) return fixed;
  }
}

function fixOnce(text: string): string {
  if (ASCII.test(text) || !isBad(text)) return text;
  const whole = decodeWhole(text);
  if (whole !== undefined) return whole;
  const inPlaces = decodeInPlaces(text);
  return inPlaces === text ? fixC1Controls(text) : inPlaces;
}

/**
 * The first encoding in which all of `text` is bytes of UTF-8, or nearly, is the one it was
 * mis-decoded by.
 */
function decodeWhole(text: string): string | undefined {
  for (const encoding of SINGLE_BYTE_ENCODINGS) {
    let bytes = encoding.encode(text);
    if (bytes === undefined) continue;
    // In Mac Roman it would be a dash that stands before the space.
    if (encoding.name !== 'macroman') bytes = restoreByteA0(bytes);
    if (encoding.sloppy) bytes = replaceLossySequences(bytes);
    const decoded = decodeUtf8Variants(bytes);
    if (decoded !== undefined) return decoded;
  }
  return undefined;
}

/**
 * "à" as a word, whose byte A0 became a space or was merged with the one behind it; not Portuguese
 * "às", "àquele", …
 */
const A_GRAVE_WORD = /\xc3 (?! |quele|quela|quilo|s )/g;

const continued = '[\\x80-\\xbf]';
/** A continuation byte that is not 85, which may have been "…", nor A0. */
const chosen = '[\\x80-\\x84\\x86-\\x9f\\xa1-\\xbf]';
/** UTF-8 with a space in place of A0, where the character it would be is a likely one. */
const SPACE_FOR_A0 = new RegExp(
  [
    '[\\xc2\\xc3\\xc5\\xce\\xd0\\xd9] ',
    `[\\xe2\\xe3] ${chosen}`,
    `[\\xe0-\\xe3]${chosen} `,
    `\\xf0 ${continued}{2}`,
    `\\xf0${continued} ${continued}`,
    `\\xf0${continued}{2} `,
  ].join('|'),
  'g',
);

/**
 * Puts the byte A0, a no-break space in Latin-1, back where UTF-8 needs it and something made it a
 * space.
 */
function restoreByteA0(bytes: string): string {
  return bytes
    .replace(A_GRAVE_WORD, '\xc3\xa0 ')
    .replace(SPACE_FOR_A0, (character) => character.replaceAll(' ', '\xa0'));
}

const lost = '[\\x1a?]';
const known = '[\\x1a\\x80-\\xbf]';
/** UTF-8 and CESU-8 with lost bytes: 1A, which stands for U+FFFD, or once a question mark. */
const LOSSY = new RegExp(
  [
    '[\\xc2-\\xdf]\\x1a',
    '[\\xc2\\xc3]\\?',
    `\\xed[\\xa0-\\xaf]${lost}\\xed[\\xb0-\\xbf][\\x1a?\\x80-\\xbf]`,
    `\\xed[\\xa0-\\xaf][\\x1a?\\x80-\\xbf]\\xed[\\xb0-\\xbf]${lost}`,
    `[\\xe0-\\xef]${lost}${known}`,
    `[\\xe0-\\xef]${known}${lost}`,
    `[\\xf0-\\xf4]${lost}${known}{2}`,
    `[\\xf0-\\xf4]${known}${lost}${known}`,
    `[\\xf0-\\xf4]${known}{2}${lost}`,
    '\\x1a',
  ].join('|'),
  'g',
);

/** Characters of which bytes were lost become U+FFFD as a whole. */
function replaceLossySequences(bytes: string): string {
  return bytes.replace(LOSSY, '\xef\xbf\xbd');
}

/** Characters that look like UTF-8 in some encoding, and don't begin amid a longer garble. */
const LOOKS_LIKE_UTF8 = new RegExp(
  `(?<![${CLASSES.utf8ContinuationStrict}])(?:${[
    [CLASSES.utf8FirstOf2, 1],
    [CLASSES.utf8FirstOf3, 2],
    [CLASSES.utf8FirstOf4, 3],
  ]
    .map(([first, rest]) => `[${first}][${CLASSES.utf8Continuation}]{${rest}}`)
    .join('|')})+`,
  'g',
);

/**
 * Repairs the runs of `text` that look like UTF-8, each for itself: sound text may stand beside
 * them.
 */
function decodeInPlaces(text: string): string {
  return text.replace(LOOKS_LIKE_UTF8, (run) =>
    run.length < text.length && isBad(run) ? fixEncoding(run) : run,
  );
}

/** C1 controls become the characters that Windows-1252 has at their numbers, as in browsers. */
export function fixC1Controls(text: string): string {
  return text.replace(C1_CONTROLS, (control) => WINDOWS_1252.decodeUpper(control.charCodeAt(0)));
}
