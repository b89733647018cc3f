import { RUN_LENGTHS } from './unassigned.js';

/**
 * Characters that came after Unicode 14, the version of Python 3.11, with which the original's
 * texts were recorded. A JavaScript engine has a later version. It would order or compose marks
 * that Python does not know, and take new letters for letters.
 */
const NEWER_CLASS = newerClass();

/**
 * Parts of regular expressions with the flag u: white space, digits and word characters as Python's
 * expressions define them.
 */
export const SPACE = '[\\t-\\r\\x1c- \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
export const DIGIT = `(?!${NEWER_CLASS})\\p{Nd}`;
export const WORD = `(?!${NEWER_CLASS})[\\p{L}\\p{N}_]`;

const NEWER_RUNS = new RegExp(`(${NEWER_CLASS}+)`, 'u');

/**
 * Normalizes to NFC by Unicode 14. A character of a later version stays as it is; no mark is moved
 * past it or composed across it.
 */
export function normalizeNfc(text: string): string {
  const normal = text.normalize('NFC');
  if (normal === text) return text; // where no mark moves, none passes a newer one
  return text
    .split(NEWER_RUNS)
    .map((part, i) => (i % 2 === 1 ? part : part.normalize('NFC')))
    .join('');
}

function newerClass(): string {
  let ranges = '';
  let at = 0;
  for (const [i, length] of RUN_LENGTHS.trim().split(' ').entries()) {
    const end = at + Number.parseInt(length, 16);
    if (i % 2 === 1) ranges += `\\u{${at.toString(16)}}-\\u{${(end - 1).toString(16)}}`;
    at = end;
  }
  return `[${ranges}]`;
}
