/** A token that is cut out of the text before BPE. */
export interface SpecialToken {
  readonly content: string;
  /** Whether the token also takes the white space to its left. */
  readonly lstrip: boolean;
  /** Whether the token also takes the white space to its right. */
  readonly rstrip: boolean;
  /** Whether a letter, mark, digit or connector beside it keeps it text. Default false. */
  readonly singleWord?: boolean;
  /** Whether it is looked for in the normalized text. Default true. */
  readonly normalized?: boolean;
}

/** A stretch of text without special tokens, or the id of a special token. */
export type TextPart = string | number;

/** Cuts special tokens out of texts. Where several start at one place, the longest is cut. */
export class SpecialTokenCutter {
  private readonly specials: ReadonlyMap<string, { readonly token: SpecialToken; readonly id: number }>;
  private readonly pattern: RegExp;

  /** `ids` is the vocabulary. A token that it does not have is left as text. */
  constructor(tokens: Iterable<SpecialToken>, ids: ReadonlyMap<string, number>) {
    const specials = new Map<string, { token: SpecialToken; id: number }>();
    for (const token of tokens) {
      const id = ids.get(token.content);
      if (id !== undefined) specials.set(token.content, { token, id });
    }
    this.specials = specials;
    const contents = [...specials.keys()]
      .map((content) => content.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&'))
      .sort((a, b) => b.length - a.length);
    this.pattern = new RegExp(contents.join('|'), 'gu');
  }

  /** Whether a token of the vocabulary is a special token. */
  has(token: string): boolean {
    return this.specials.has(token);
  }

  /** The parts of a text, in order; empty stretches are left out. */
  cut(text: string): TextPart[] {
    const parts: TextPart[] = [];
    let end = 0;
    for (const match of this.specials.size === 0 ? [] : text.matchAll(this.pattern)) {
      const { token, id } = this.specials.get(match[0]) as { token: SpecialToken; id: number };
      const after = match.index + match[0].length;
      if (
        token.singleWord &&
        (WORD_END.test(text.slice(Math.max(0, match.index - 2), match.index)) ||
          WORD_START.test(text.slice(after, after + 2)))
      )
        continue;
      const start = token.lstrip ? whiteSpaceBefore(text, end, match.index) : match.index;
      if (start > end) parts.push(text.slice(end, start));
      parts.push(id);
      end = after;
      if (token.rstrip) end = whiteSpaceAfter(text, end);
    }
    if (end < text.length) parts.push(text.slice(end));
    return parts;
  }
}

/** Characters of words, as the regular expressions of Rust know them. */
const WORD = String.raw`[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]`;
const WORD_END = new RegExp(`${WORD}$`, 'u');
const WORD_START = new RegExp(`^${WORD}`, 'u');

const WHITE_SPACE = /^\p{White_Space}$/u;

/**
 * Where the white space that ends at `end` starts, but not before `start`. Every character of
 * White_Space is one UTF-16 unit long.
 */
function whiteSpaceBefore(text: string, start: number, end: number): number {
  let at = end;
  while (at > start && WHITE_SPACE.test(text.charAt(at - 1))) at--;
  return at;
}

/** Where the white space that starts at `start` ends. */
function whiteSpaceAfter(text: string, start: number): number {
  let at = start;
  while (at < text.length && WHITE_SPACE.test(text.charAt(at))) at++;
  return at;
}
