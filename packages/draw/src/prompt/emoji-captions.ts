import { ConfigError } from '@easel/core';
import { parseJson } from '@easel/core/internals';

/** File of a model folder that says which captions emoji stand for. */
export const EMOJI_FILE = 'emoji.json';

const JOINER = '\u200d';
const SELECTORS = /[\ufe0e\ufe0f]/g;
const SKIN_TONES = /[\u{1f3fb}-\u{1f3ff}]/gu;
/** Emoji, halves of flags, and the frame of keycaps. Digits alone are none. */
const EMOJI = /\p{Extended_Pictographic}|\p{Regional_Indicator}|\u20e3/u;
const ARTICLE = /^(?:an?|the) /;

const LETTER = /[\p{L}\p{N}]/u;
const LAST_WORD = /([\p{L}\p{N}]+)\s*$/u;
const NEXT_WORD = /^\s*([\p{L}\p{N}]+)/u;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/**
 * The captions that emoji stand for. A model that learnt drawings of emoji draws `🦊` as what it
 * learnt by the caption `a fox`.
 *
 * An emoji is one user-perceived character (UAX #29). If it is not in the list, it is tried without
 * its skin tones. Then a sequence of joined emoji is read as the emoji that it joins, the longest
 * known beginning first, which is how systems without a glyph for it show it (UTS #51, 2.2). What
 * is still unknown stays as it is, for the model's own normalizer.
 */
export class EmojiCaptions {
  private readonly captions: ReadonlyMap<string, string>;

  /** `captions` by emoji, with or without variation selectors. */
  constructor(captions: Iterable<readonly [emoji: string, caption: string]>) {
    this.captions = new Map([...captions].map(([emoji, caption]) => [plain(emoji), caption]));
  }

  /**
   * Replaces emoji by their captions. A caption behind a word loses its article (`my 🦊`), a word
   * that stands beside the emoji already is not said twice (`a red 🍎`, `🍕 pizza`), and ` and `
   * stands between neighbours (`🦊🐱`). A text without known emoji stays as it is.
   */
  apply(text: string): string {
    let out = '';
    let afterEmoji = false;
    let end = 0;
    for (const { segment, index } of graphemes.segment(text)) {
      if (index < end) continue; // said by a caption
      end = index + segment.length;
      const captions = EMOJI.test(segment) ? this.captionsOf(segment) : undefined;
      if (captions === undefined) {
        if (afterEmoji && segment.trim() === '') continue; // kept back: another emoji may follow
        if (afterEmoji && LETTER.test(segment)) out += ' ';
        out += segment;
        afterEmoji = false;
        continue;
      }
      const caption = captions.join(' and ');
      if (afterEmoji) out += ` and ${caption}`;
      else out = behind(out, caption);
      const [next, word] = NEXT_WORD.exec(text.slice(end)) ?? [];
      if (next !== undefined && caption.toLowerCase().endsWith(` ${word?.toLowerCase()}`)) end += next.length;
      afterEmoji = true;
    }
    return out;
  }

  /** The captions of one emoji; undefined if it or a part of it is unknown. */
  private captionsOf(emoji: string): string[] | undefined {
    const key = plain(emoji);
    const caption = this.captions.get(key) ?? this.captions.get(key.replace(SKIN_TONES, ''));
    if (caption !== undefined) return [caption];
    const parts = key.replace(SKIN_TONES, '').split(JOINER);
    for (let length = parts.length - 1; length > 0; length--) {
      const first = this.captions.get(parts.slice(0, length).join(JOINER));
      const others = first === undefined ? undefined : this.captionsOf(parts.slice(length).join(JOINER));
      if (first !== undefined && others !== undefined) return [first, ...others];
    }
    return undefined;
  }
}

/** A caption behind a text, without its article and a word that the text ends with. */
function behind(text: string, caption: string): string {
  const [, word] = LAST_WORD.exec(text) ?? [];
  if (word === undefined) return text + caption;
  const bare = caption.replace(ARTICLE, '');
  const repeats = bare.toLowerCase().startsWith(`${word.toLowerCase()} `);
  return `${text.trimEnd()} ${repeats ? bare.slice(word.length + 1) : bare}`;
}

function plain(emoji: string): string {
  return emoji.replace(SELECTORS, '');
}

/**
 * Parses the text of an emoji.json, an object of emoji and captions. `file` is for messages. Throws
 * ConfigError for other content.
 */
export function parseEmojiCaptions(text: string, file = EMOJI_FILE): EmojiCaptions {
  const json = parseJson(text, file);
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new ConfigError(`${file}: expected an object of emoji and the captions they stand for.`);
  for (const [emoji, caption] of Object.entries(json)) {
    if (typeof caption !== 'string' || caption.trim() === '')
      throw new ConfigError(`${file}: ${emoji}: expected a caption, got ${JSON.stringify(caption)}.`);
  }
  return new EmojiCaptions(Object.entries(json as Record<string, string>));
}
