import { nearestOnes } from '@easel/core/internals';
import { baseForms } from './base-forms.js';

/** Fewest letters of a word that is taken for a misspelling of another. */
const LEAST_LETTERS = 3;

/** Fewest letters of the two words that a compound is taken apart into. */
const LEAST_PART = 3;

/**
 * Finds the known words that somebody may have meant by one that is not known: relatives by English
 * endings (`hearts`, `heart`), then two words written as one (`hotdog`, `hot dog`), then words that
 * are a few edits away (`rokcet`, `rocket`), those that sound alike before the others (`elefant`,
 * `elephant`). Among equals the more frequent comes first.
 */
export class NearestWords {
  private readonly words: readonly string[];
  private readonly known: ReadonlySet<string>;
  /** The known words that may have been made from a form. */
  private relatives: Map<string, string[]> | undefined;

  /** `words` are the known ones, the most frequent first. */
  constructor(words: Iterable<string>) {
    this.words = [...words];
    this.known = new Set(this.words);
  }

  /** Returns `most` words or pairs of words at most, the best first. */
  of(word: string, most: number): string[] {
    const found = new Set([...this.relativesOf(word), ...this.partsOf(word)]);
    // Numbers are not misspelt ones, and of one or two letters any word is a few edits away.
    if (word.length >= LEAST_LETTERS && !/^\p{N}+$/u.test(word))
      for (const near of this.misspelt(word, most)) found.add(near);
    return [...found].slice(0, most);
  }

  private relativesOf(word: string): string[] {
    this.relatives ??= groupByForm(this.words);
    const found = new Set<string>();
    for (const form of baseForms(word))
      for (const relative of this.relatives.get(form) ?? []) found.add(relative);
    return [...found];
  }

  private partsOf(word: string): string[] {
    const pairs: string[] = [];
    for (let cut = LEAST_PART; cut <= word.length - LEAST_PART; cut++) {
      const [first, second] = [word.slice(0, cut), word.slice(cut)];
      if (this.known.has(first) && this.known.has(second)) pairs.push(`${first} ${second}`);
    }
    return pairs;
  }

  private misspelt(word: string, most: number): string[] {
    const near = nearestOnes(word, this.wordsOfLetters(), Number.POSITIVE_INFINITY);
    const alike = near.filter((one) => soundOf(one) === soundOf(word));
    return [...new Set([...alike, ...near])].slice(0, most);
  }

  private wordsOfLetters(): string[] {
    return this.words.filter((word) => word.length >= LEAST_LETTERS && !/^\p{N}+$/u.test(word));
  }
}

/** A word by its sound: letters and pairs of letters that English speaks alike become one. */
function soundOf(word: string): string {
  return word
    .replace(/ph/g, 'f')
    .replace(/c(?=[eiy])|z/g, 's')
    .replace(/ck|qu|c|q/g, 'k')
    .replace(/y/g, 'i')
    .replace(/(.)\1+/gu, '$1');
}

function groupByForm(words: readonly string[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const word of words)
    for (const form of baseForms(word)) {
      const group = groups.get(form);
      if (group === undefined) groups.set(form, [word]);
      else group.push(word);
    }
  return groups;
}
