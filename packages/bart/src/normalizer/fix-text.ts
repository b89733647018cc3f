import { unescapeHtml } from './html-entities.js';
import { WINDOWS_1252 } from './windows-1252.js';

/**
 * Repairs text as ftfy's `fix_text` does in its default configuration, in the parts that captions need: HTML entities
 * (unless the line, or one before it, has a "<"), UTF-8 that was read as Latin-1 or Windows-1252, C1 controls that
 * were meant as Windows-1252, Latin ligatures, full-width forms, curly quotes, line breaks, lone surrogates, terminal
 * escapes, control characters, NFC.
 *
 * Not repaired: UTF-8 read as any other encoding, and single damaged characters inside sound text.
 * Source: the documented steps of ftfy 6.3.1, https://ftfy.readthedocs.io.
 */
export function fixText(text: string): string {
  let hasNoTags = true;
  return text
    .split(/(?<=\n)/)
    .map((line) => {
      if (line.includes('<')) hasNoTags = false;
      return fixLine(line, hasNoTags);
    })
    .join('');
}

function fixLine(line: string, hasNoTags: boolean): string {
  let text = line;
  for (;;) {
    const before = text;
    if (hasNoTags) text = unescapeStrict(text);
    text = fixEncoding(text);
    text = text.replace(/[\x80-\x9f]/g, (c) => WINDOWS_1252.charAt(c.charCodeAt(0) - 0x80));
    text = text.replace(
      /[\u0132\u0133\u0149\u01c4-\u01cc\u01f1-\u01f3\ufb00-\ufb06]/g,
      (c) => LIGATURES.get(c) ?? c,
    );
    text = text.replace(/[\u3000\uff01-\uffef]/g, (c) => c.normalize('NFKC'));
    text = text.replace(/[\u02bc\u2018-\u201b]/g, "'").replace(/[\u201c-\u201f]/g, '"');
    text = text.replace(/\r\n|[\r\u2028\u2029\u0085]/g, '\n');
    text = text.replace(/\p{Surrogate}/gu, '\ufffd');
    text = text.replace(TERMINAL_ESCAPE, '').replace(CONTROLS, '').normalize('NFC');
    if (text === before) return text;
  }
}

const LIGATURES: ReadonlyMap<string, string> = new Map([
  ['Ĳ', 'IJ'],
  ['ĳ', 'ij'],
  ['ŉ', 'ʼn'],
  ['Ǆ', 'DŽ'],
  ['ǅ', 'Dž'],
  ['ǆ', 'dž'],
  ['Ǉ', 'LJ'],
  ['ǈ', 'Lj'],
  ['ǉ', 'lj'],
  ['Ǌ', 'NJ'],
  ['ǋ', 'Nj'],
  ['ǌ', 'nj'],
  ['Ǳ', 'DZ'],
  ['ǲ', 'Dz'],
  ['ǳ', 'dz'],
  ['ﬀ', 'ff'],
  ['ﬁ', 'fi'],
  ['ﬂ', 'fl'],
  ['ﬃ', 'ffi'],
  ['ﬄ', 'ffl'],
  ['ﬅ', 'ſt'],
  ['ﬆ', 'st'],
]);

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
const TERMINAL_ESCAPE = /\x1b\[(?:\d|;)*[a-zA-Z]/g;
const CONTROLS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
  /[\x00-\x08\x0b\x0e-\x1f\x7f\u206a-\u206f\ufeff\ufff9-\ufffc\u{1d173}-\u{1d17a}]/gu;

/** Entities with their ";" only, and also lower-case names written in capitals (&QUOT;, &EACUTE;). */
function unescapeStrict(text: string): string {
  return text.replace(/&#?[0-9A-Za-z]{1,24};/g, (entity) => {
    const decoded = unescapeHtml(entity);
    if (!decoded.includes(';')) return decoded;
    const lower = entity.toLowerCase();
    if (entity !== entity.toUpperCase() || entity[1] === '#') return entity;
    const small = unescapeHtml(lower);
    return small.includes(';') ? entity : small.toUpperCase();
  });
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A lead byte's character followed by a continuation byte's, as UTF-8 looks when read one byte at a time. */
const LOOKS_MISREAD = /[\u00c2-\u00f4][\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]/;

/**
 * Undoes UTF-8 read as Latin-1 or Windows-1252, as often as it was done: where all characters have a byte in that
 * encoding and the bytes are sound UTF-8, chance is a poor explanation.
 */
function fixEncoding(text: string): string {
  let fixed = text;
  while (LOOKS_MISREAD.test(fixed)) {
    const once = misreadUtf8(fixed, latin1Byte) ?? misreadUtf8(fixed, windows1252Byte);
    if (once === undefined) return fixed;
    fixed = once;
  }
  return fixed;
}

function latin1Byte(char: string): number | undefined {
  const code = char.charCodeAt(0);
  return code < 256 ? code : undefined;
}

/** A character of Windows-1252, or a Latin-1 one that it lacks (C1 controls), as its byte. */
function windows1252Byte(char: string): number | undefined {
  const index = WINDOWS_1252.indexOf(char);
  return index < 0 ? latin1Byte(char) : 0x80 + index;
}

function misreadUtf8(text: string, byteOf: (char: string) => number | undefined): string | undefined {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const byte = byteOf(text.charAt(i));
    if (byte === undefined) return undefined;
    bytes[i] = byte;
  }
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined; // not UTF-8: the text was meant as it is
  }
}
