import { EMOJI_NAMES } from './emoji-names.js';

interface EmojiName {
  readonly name: string;
  /** Skin tones may follow its persons. */
  readonly toned: boolean;
}

const NAMES: ReadonlyMap<string, EmojiName> = new Map(
  EMOJI_NAMES.split('\n').map((row) => {
    const mark = row.slice(1).search(/[+ ]/) + 1; // the keycap of "#" or "*" starts with its sign
    return [row.slice(0, mark), { name: row.slice(mark + 1), toned: row[mark] === '+' }] as const;
  }),
);

/** Longest emoji in UTF-16 units, with a variation selector or tone behind each of its parts. */
const LONGEST = 36;
const TONE_NAMES = ['light', 'medium-light', 'medium', 'medium-dark', 'dark'];
const TONE = /[\u{1F3FB}-\u{1F3FF}]/gu;
const FIRST_CODE_POINTS = new Set(Array.from(NAMES.keys(), (emoji) => emoji.codePointAt(0)));
const KEYCAP = /[\ufe0f\u20e3]/;

/** Whether an emoji may start at `at`: a digit, "#" or "*" only does as a keycap. */
function mayStart(text: string, at: number): boolean {
  const code = text.codePointAt(at) as number;
  return FIRST_CODE_POINTS.has(code) && (code > 0x7f || KEYCAP.test(text.charAt(at + 1)));
}

/**
 * Writes each emoji as `:its_name:`, the longest emoji first where several start at one place, and drops variation
 * selectors, as `emoji.demojize` of the Python package emoji 1.7.0 does.
 */
export function demojize(text: string): string {
  let out = '';
  let at = 0;
  while (at < text.length) {
    const found = mayStart(text, at) ? emojiAt(text, at) : undefined;
    if (found) {
      out += `:${found.name}:`;
      at += found.length;
    } else {
      out += text.charAt(at);
      at++;
    }
  }
  return out.replaceAll('\ufe0f', '');
}

function emojiAt(text: string, at: number): { name: string; length: number } | undefined {
  for (let length = Math.min(LONGEST, text.length - at); length > 0; length--) {
    const name = nameOf(text.slice(at, at + length));
    if (name !== undefined) return { name, length };
  }
  return undefined;
}

function nameOf(emoji: string): string | undefined {
  const bare = emoji.replaceAll('\ufe0f', '');
  const known = NAMES.get(bare);
  if (known) return known.name;
  const tones = bare.match(TONE);
  if (!tones) return undefined;
  const base = NAMES.get(bare.replace(TONE, ''));
  if (!base?.toned) return undefined;
  const names = tones.map((tone) => `${TONE_NAMES[(tone.codePointAt(0) as number) - 0x1f3fb]}_skin_tone`);
  return [base.name, ...names].join('_');
}
