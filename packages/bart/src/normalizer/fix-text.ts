import { fixC1Controls, fixEncoding } from './fix-encoding.js';
import { unescapeSureHtml } from './html-entities.js';
import { LIGATURES } from './mojibake-data.js';
import { DIGIT, normalizeNfc } from './unicode-14.js';

/** Longest segment in characters. Longer lines are cut, as ftfy does (`max_decode_length`). */
const LONGEST_SEGMENT = 1_000_000;

/** Text that no step changes: printable ASCII without "&", tabs, line ends and form feeds. */
const PLAIN = /^[\t\n\f\x20-\x25\x27-\x7e]*$/;

/**
 * Repairs text as `fix_text` of ftfy 6.3.1 does in its default configuration: HTML entities (unless
 * the line or an earlier one has a "<"), mis-decoded UTF-8 (`fixEncoding`), C1 controls that were
 * meant as Windows-1252, Latin ligatures, full-width and half-width forms, curly quotes, line
 * breaks, lone surrogates, terminal escapes, control characters, NFC. Each line is repaired until
 * nothing changes.
 *
 * Source: https://ftfy.readthedocs.io/en/v6.3.1.
 */
export function fixText(text: string): string {
  if (PLAIN.test(text)) return text;
  let fixed = '';
  let hasTags = false;
  for (const segment of segments(text)) {
    hasTags ||= segment.includes('<');
    fixed += fixSegment(segment, hasTags);
  }
  return fixed;
}

/** Yields the lines of `text` with their line ends. Very long lines come in pieces. */
function* segments(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at) + 1 || text.length;
    const line = text.slice(at, end);
    at = end;
    if (line.length <= LONGEST_SEGMENT) {
      yield line;
      continue;
    }
    const characters = [...line];
    for (let i = 0; i < characters.length; i += LONGEST_SEGMENT) {
      yield characters.slice(i, i + LONGEST_SEGMENT).join('');
    }
  }
}

function fixSegment(segment: string, hasTags: boolean): string {
  let text = segment;
  while (!PLAIN.test(text)) {
    const before = text;
    if (!hasTags) text = unescapeSureHtml(text);
    text = fixC1Controls(fixEncoding(text))
      .replace(LIGATURE, (ligature) => LIGATURES.get(ligature) as string)
      .replace(/[\u3000\uff01-\uffef]/g, (form) => form.normalize('NFKC'))
      .replace(/[\u201c-\u201f]/g, '"')
      .replace(/[\u02bc\u2018-\u201b]/g, "'")
      .replace(/\r\n|[\r\u2028\u2029\x85]/g, '\n')
      .replace(/\p{Surrogate}/gu, '\ufffd')
      .replace(TERMINAL_ESCAPE, '')
      .replace(CONTROL, '');
    text = normalizeNfc(text);
    if (text === before) break;
  }
  return text;
}

const LIGATURE = new RegExp(`[${[...LIGATURES.keys()].join('')}]`, 'g');

const TERMINAL_ESCAPE = new RegExp(`\\x1b\\[(?:${DIGIT}|;)*[a-zA-Z]`, 'gu');
/**
 * Control characters that are removed. White space and characters that shape the text (joiners,
 * directions, music) are not among them.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
const CONTROL = /[\x00-\x08\x0b\x0e-\x1f\x7f\u206a-\u206f\ufeff\ufff9-\ufffc]/g;
