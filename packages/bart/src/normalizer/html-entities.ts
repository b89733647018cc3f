import { decodeHTML } from 'entities/decode';
import { WINDOWS_1252 } from './windows-1252.js';

/** What Python's `html.unescape` takes for a reference: a number, or up to 32 characters that may name one. */
const REFERENCE = /&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)/g;

/**
 * Replaces HTML5 character references as Python's `html.unescape`: names also without ";" where HTML allows it, the
 * longest that fits; numbers of Windows-1252's range as that encoding's characters; numbers of non-characters as
 * nothing; other impossible numbers as U+FFFD.
 */
export function unescapeHtml(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(REFERENCE, (reference) =>
    reference[1] === '#' ? numericReference(reference) : decodeHTML(reference),
  );
}

function numericReference(reference: string): string {
  const digits = reference.replace(/[&#;xX]/g, '');
  const code = Number.parseInt(digits, /^&#[xX]/.test(reference) ? 16 : 10);
  if (code >= 0x80 && code <= 0x9f) return WINDOWS_1252.charAt(code - 0x80);
  if (code === 0x0d) return '\r';
  if (code === 0 || (code >= 0xd800 && code <= 0xdfff) || !(code <= 0x10ffff)) return '\ufffd';
  const control = code < 9 || code === 0x0b || (code >= 0x0e && code < 0x20) || code === 0x7f;
  const noncharacter = (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) === 0xfffe;
  return control || noncharacter ? '' : String.fromCodePoint(code);
}
