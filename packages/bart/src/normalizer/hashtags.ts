import { rankCosts } from './rank-costs.js';

/** Ends of lines and of words, as in Python's `str.splitlines` and `str.split`. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: some of them end lines
const LINE_END = /\r\n|[\n-\r\x1c-\x1e\x85\u2028\u2029]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: some of them are white space
const SPACES = /[\t-\r\x1c- \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

/**
 * Reads the words of a frequency list: the first word of each line "word count", most frequent
 * first. The counts are not used.
 */
export function parseWordFrequencies(text: string): string[] {
  return text
    .split(LINE_END)
    .map((line) => line.split(SPACES).find((word) => word !== '') ?? '')
    .filter((word) => word !== '');
}

/**
 * Splits words that are run together. A word costs the logarithm of its rank, and the cheapest
 * split wins.
 *
 * Letters that no split explains stand alone. Digits stay together, and so do a word and its "'s".
 * Source: dalle_mini `model/text.py`, HashtagProcessor, after https://stackoverflow.com/a/11642687.
 */
export class HashtagSplitter {
  private readonly costs = new Map<string, number>();
  private readonly longest: number;

  /**
   * `words` has the most frequent word first. Without words every tag is split into single
   * characters.
   */
  constructor(words: readonly string[]) {
    const costs = rankCosts(words.length);
    let longest = 0;
    for (const [index, word] of words.entries()) {
      this.costs.set(word, costs[index] as number); // a later line for the same word wins
      longest = Math.max(longest, word.length);
    }
    this.longest = longest;
  }

  /** Returns the words of `tag` with single spaces between them. */
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
