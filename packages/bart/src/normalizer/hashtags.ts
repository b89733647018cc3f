/** A line's first word of a frequency list ("word count", most frequent first); the order is all that counts. */
export function parseWordFrequencies(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[0] as string)
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
    let longest = 0;
    for (const [index, word] of words.entries()) {
      this.costs.set(word, Math.log(index + 1)); // a later line for the same word wins
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
