import { rankCosts } from './rank-costs.js';

/** Where lines end and words end, as Python's `str.splitlines` and `str.split` have it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: some of them end lines
const LINE_END = /\r\n|[\n-\r\x1c-\x1e\x85\u2028\u2029]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: some of them are white space
const SPACES = /[\t-\r\x1c- \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

/**
 * A line's first word of a frequency list ("word count", most frequent first); the order is all
 * that counts.
 */
export function parseWordFrequencies(text: string): string[] {
  return text
    .split(LINE_END)
    .map((line) => line.split(SPACES).find((word) => word !== '') ?? '')
    .filter((word) => word !== '');
}

/**
 * Splits run-together words: a word costs the logarithm of its rank, and the cheapest split wins.
 *
 * Letters that no split explains stand alone. Digits keep together, and so do a word and its "'s".
 * Source: dalle_mini `model/text.py`, HashtagProcessor, after https://stackoverflow.com/a/11642687.
 */
export class HashtagSplitter {
  private readonly costs = new Map<string, number>();
  private readonly longest: number;

  /** `words`: most frequent first. Without words every tag falls apart into single characters. */
  constructor(words: readonly string[]) {
    const costs = rankCosts(words.length);
    let longest = 0;
    for (const [index, word] of words.entries()) {
      this.costs.set(word, costs[index] as number); // a later line for the same word wins
      longest = Math.max(longest, word.length);
    }
    this.longest = longest;
  }

  /** The words of `tag` with single spaces between. */
  split(tag: string): string {
    return tag
      .split(/[^a-zA-Z0-9']+/)
      .flatMap((part) => this.splitPart(part))
      .join(' ');
  }

  private splitPart(text: string): string[] {
    const lower = text.toLowerCase();
    const cost = [0];
    const size = [0];
    for (let end = 1; end <= text.length; end++) {
      let least = Number.POSITIVE_INFINITY;
      let best = 1; // ties, infinite ones too, go to the shortest piece
      for (let k = 1; k <= Math.min(end, this.longest); k++) {
        const word = this.costs.get(lower.slice(end - k, end)) ?? Number.POSITIVE_INFINITY;
        const total = (cost[end - k] as number) + word;
        if (total < least) {
          least = total;
          best = k;
        }
      }
      cost.push(least);
      size.push(best);
    }

    const reversed: string[] = [];
    for (let end = text.length; end > 0; end -= size[end] as number) {
      const piece = text.slice(end - (size[end] as number), end);
      const last = reversed.at(-1);
      const digits = /\d$/.test(piece) && last !== undefined && /^\d/.test(last);
      if (piece !== "'" && last !== undefined && (last === "'s" || digits)) {
        reversed[reversed.length - 1] = piece + last;
      } else {
        reversed.push(piece);
      }
    }
    return reversed.reverse();
  }
}
