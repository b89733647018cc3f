import { isBad } from './badness.js';
import { CLASSES } from './mojibake-data.js';
import { SINGLE_BYTE_ENCODINGS, WINDOWS_1252 } from './single-byte-encoding.js';
import { decodeUtf8Variants } from './utf8-variants.js';

// biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is meant
const ASCII = /^[\x00-\x7f]*$/;
const C1_CONTROLS = /[\x80-\x9f]/g;

/**
 * Undoes decoding with the wrong encoding, as often as it was done. It repairs UTF-8 that was read
 * as an encoding of one byte a character, as a whole or in places, and Windows-1252 that was read
 * as Latin-1. Text without unlikely neighbours (`isBad`) stays as it is.
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
 * Tries the encodings in order. The first one in which all of `text` is bytes of UTF-8, or nearly
 * so, counts as the wrong encoding, and the decoded text is returned. Returns undefined if there is
 * none.
 */
function decodeWhole(text: string): string | undefined {
  for (const encoding of SINGLE_BYTE_ENCODINGS) {
    let bytes = encoding.encode(text);
    if (bytes === undefined) continue;
    // Not for Mac Roman, where the byte before such a space may be a dash.
    if (encoding.name !== 'macroman') bytes = restoreByteA0(bytes);
    if (encoding.sloppy) bytes = replaceLossySequences(bytes);
    const decoded = decodeUtf8Variants(bytes);
    if (decoded !== undefined) return decoded;
  }
  return undefined;
}

/**
 * The word "à" whose byte A0 became a space or was merged with the space behind it. Portuguese
 * "às", "àquele", … are left out.
 */
const A_GRAVE_WORD = /\xc3 (?! |quele|quela|quilo|s )/g;

const continued = '[\\x80-\\xbf]';
/** A continuation byte other than A0, and other than 85, which may have been "…". */
const chosen = '[\\x80-\\x84\\x86-\\x9f\\xa1-\\xbf]';
/** UTF-8 with a space in place of A0, where A0 would give a likely character. */
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
 * Puts back the byte A0 where UTF-8 needs it and a program turned it into a space. A0 is a no-break
 * space in Latin-1.
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

/** Replaces each character that lost bytes by one U+FFFD. */
function replaceLossySequences(bytes: string): string {
  return bytes.replace(LOSSY, '\xef\xbf\xbd');
}

/**
 * Runs of characters that look like UTF-8 in some encoding and don't begin inside a longer run of
 * continuation bytes.
 */
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
 * Repairs each run of `text` that looks like UTF-8 by itself, since sound text may stand beside it.
 */
function decodeInPlaces(text: string): string {
  return text.replace(LOOKS_LIKE_UTF8, (run) =>
    run.length < text.length && isBad(run) ? fixEncoding(run) : run,
  );
}

/**
 * Replaces C1 controls by the characters that Windows-1252 has at their numbers, as browsers do.
 */
export function fixC1Controls(text: string): string {
  return text.replace(C1_CONTROLS, (control) => WINDOWS_1252.decodeUpper(control.charCodeAt(0)));
}
