import { decodeHTML, decodeHTMLStrict } from 'entities/decode';
import { WINDOWS_1252 } from './single-byte-encoding.js';

/**
 * Text that Python's `html.unescape` takes for a character reference: a number, or up to 32
 * characters that may be a name.
 */
const REFERENCE = /&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)/g;

/**
 * Replaces HTML5 character references as Python's `html.unescape` does. Names need no ";" where
 * HTML allows that, and the longest name that fits counts. Numbers 0x80 to 0x9F give the characters
 * of Windows-1252. Numbers of non-characters give nothing. Other impossible numbers give U+FFFD.
 */
export function unescapeHtml(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(REFERENCE, (reference) =>
    reference[1] === '#' ? numericReference(reference) : decodeHTML(reference),
  );
}

/**
 * Replaces the references that are surely meant: numbers, and names with their ";". A name of small
 * letters may be written in capitals and then gives the capital, unless HTML reads it otherwise:
 * "&EACUTE;" is "É". Source: `unescape_html` of ftfy 6.3.1.
 */
export function unescapeSureHtml(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&#?[0-9A-Za-z]{1,24};/g, (reference) => {
    if (reference[1] === '#') {
      const decoded = unescapeHtml(reference);
      return decoded.includes(';') ? reference : decoded;
    }
    const decoded = decodeHTMLStrict(reference);
    if (decoded !== reference || /[a-z]/.test(reference) || unescapeHtml(reference) !== reference)
      return decoded;
    const small = reference.toLowerCase();
    const character = decodeHTMLStrict(small);
    return character === small ? reference : character.toUpperCase();
  });
}

function numericReference(reference: string): string {
  const digits = reference.replace(/[&#;xX]/g, '');
  const code = Number.parseInt(digits, /^&#[xX]/.test(reference) ? 16 : 10);
  if (code >= 0x80 && code <= 0x9f) return WINDOWS_1252.decodeUpper(code);
  if (code === 0x0d) return '\r';
  if (code === 0 || (code >= 0xd800 && code <= 0xdfff) || !(code <= 0x10ffff)) return '\ufffd';
  const control = code < 9 || code === 0x0b || (code >= 0x0e && code < 0x20) || code === 0x7f;
  const noncharacter = (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) === 0xfffe;
  return control || noncharacter ? '' : String.fromCodePoint(code);
}
