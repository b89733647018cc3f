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

const TONE_NAMES = ['light', 'medium-light', 'medium', 'medium-dark', 'dark'];
const TONE = /[\u{1F3FB}-\u{1F3FF}]/gu;
const SELECTOR = '\ufe0f';
/** Characters that are text unless a selector follows: only behind those does a selector belong to an emoji. */
const TEXT_BY_DEFAULT = /^(?=\p{Emoji})\P{Emoji_Presentation}$/u;

/** Beginnings of emoji, whole ones included, without selectors; and those of emoji whose persons may have skin tones. */
const BEGINNINGS = new Set<string>();
const TONED_BEGINNINGS = new Set<string>();
for (const [emoji, { toned }] of NAMES) {
  let beginning = '';
  for (const character of emoji) {
    beginning += character;
    BEGINNINGS.add(beginning);
    if (toned) TONED_BEGINNINGS.add(beginning);
  }
}

/**
 * Writes each emoji as `:its_name:` and drops variation selectors, as `emoji.demojize` of the Python package emoji 1.7.0 does. `mark` stands
 * before and behind the name.
 *
 * An emoji is read as far as any emoji goes on, and if what was read is not itself one, its first character stays as it is: a heart before a
 * joiner that joins nothing has no name.
 */
export function demojize(text: string, mark = ':'): string {
  const characters = [...text];
  let out = '';
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] as string;
    const end = BEGINNINGS.has(character) ? endOfEmoji(characters, at) : at;
    const name = end > at ? nameOf(characters.slice(at, end).join('')) : undefined;
    if (name !== undefined) {
      out += `${mark}${name}${mark}`;
      at = end - 1;
    } else if (character !== SELECTOR && character !== '\ufe0e') out += character;
  }
  return out;
}

/** Where the longest beginning of an emoji from `at` on ends. */
function endOfEmoji(characters: readonly string[], at: number): number {
  let literal = characters[at] as string;
  let bare = literal;
  let end = at + 1;
  for (; end < characters.length; end++) {
    const next = characters[end] as string;
    if (next === SELECTOR) {
      if (!TEXT_BY_DEFAULT.test(characters[end - 1] as string)) break;
      continue;
    }
    if (BEGINNINGS.has(literal + next)) {
      // Some emoji with tones have names of their own, and stand with their tones in the list.
      if (!isTone(next)) bare += next;
      literal += next;
      continue;
    }
    if (isTone(next)) {
      if (!TONED_BEGINNINGS.has(bare) || !/\p{Emoji_Modifier_Base}/u.test(characters[end - 1] as string))
        break;
    } else {
      const beginnings = literal === bare ? BEGINNINGS : TONED_BEGINNINGS;
      if (!beginnings.has(bare + next)) break;
      bare += next;
    }
    literal += next;
  }
  return end;
}

function isTone(character: string): boolean {
  return /^[\u{1F3FB}-\u{1F3FF}]$/u.test(character);
}

function nameOf(emoji: string): string | undefined {
  const bare = emoji.replaceAll('\ufe0f', '');
  const known = NAMES.get(bare);
  if (known) return known.name;
  const tones = bare.match(TONE);
  if (!tones) return undefined;
  const base = NAMES.get(bare.replace(TONE, ''));
  // All persons have a tone, or none has. The hands that people hold have none of their own.
  const bases = bare.match(/\p{Emoji_Modifier_Base}/gu) ?? [];
  const persons = bases.length > 1 ? bases.filter((character) => character !== '🤝') : bases;
  if (!base?.toned || tones.length !== persons.length) return undefined;
  const names = tones.map((tone) => `${TONE_NAMES[(tone.codePointAt(0) as number) - 0x1f3fb]}_skin_tone`);
  return [base.name, ...names].join('_');
}
