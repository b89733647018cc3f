import { ConfigError } from '@easel/core';
import { flag, integer, readSettings, section } from '@easel/core/config';
import { parseJson } from '@easel/core/internals';

/** File of a model folder with the words of the captions that its model learnt. */
export const WORDS_FILE = 'words.json';

/** Most words in a list. English prose has about as many different ones. */
export const MOST_WORDS = 30_000;

/** The words of the captions that a model learnt. */
export interface WordList {
  /** How often each word stands in the captions; the most frequent word comes first. */
  readonly counts: ReadonlyMap<string, number>;
  /** Whether the list has every word of the captions. A longer list is cut at its rare end. */
  readonly complete: boolean;
}

const WORD = /[\p{L}\p{M}\p{N}]+(?:'[\p{L}\p{M}\p{N}]+)*/gu;

/**
 * The words of a text as a model reads it, which is after its normalizer: runs of letters, digits
 * and apostrophes between them.
 */
export function wordsOf(text: string): string[] {
  return text.match(WORD) ?? [];
}

/**
 * Counts the words of captions. Memory is bounded: at ten times MOST_WORDS different words, those
 * met least often are dropped (Manku and Motwani 2002, lossy counting). A list that lost words says
 * so.
 */
export class WordCounter {
  private readonly counts = new Map<string, number>();
  private complete = true;

  /** Goes on from an earlier list, whose words a model still knows after further training. */
  constructor(earlier?: WordList | undefined) {
    for (const [word, count] of earlier?.counts ?? []) this.counts.set(word, count);
    this.complete = earlier?.complete ?? true;
  }

  /** Counts the words of a caption in the form that the model reads. */
  add(text: string): void {
    for (const word of wordsOf(text)) this.counts.set(word, (this.counts.get(word) ?? 0) + 1);
    for (let least = 1; this.counts.size > 10 * MOST_WORDS; least++) this.drop(least);
  }

  /** Notes that captions were left uncounted, so that a word missing here may be known. */
  skip(): void {
    this.complete = false;
  }

  /** The list of the most frequent words, MOST_WORDS at most. */
  list(): WordList {
    const sorted = inOrder(this.counts);
    return {
      counts: new Map(sorted.slice(0, MOST_WORDS)),
      complete: this.complete && sorted.length <= MOST_WORDS,
    };
  }

  private drop(least: number): void {
    for (const [word, count] of this.counts) if (count <= least) this.counts.delete(word);
    this.complete = false;
  }
}

/** Most frequent first; of equally frequent words the first in the order of code units. */
function inOrder(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
}

/** The JSON of words.json. */
export function wordListToJson({ counts, complete }: WordList): object {
  return { complete, words: Object.fromEntries(counts) };
}

const READ = section({
  complete: flag(true),
  words: (value: unknown, at: string): ReadonlyMap<string, number> => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new ConfigError(`${at}: expected an object of words and their counts.`);
    const count = integer({ min: 1 });
    return new Map(Object.entries(value).map(([word, found]) => [word, count(found, `${at}.${word}`)]));
  },
});

/**
 * Parses the text of a words.json. `file` is for messages. Throws ConfigError for text that is no
 * JSON object, an unknown field, or a count that is no whole number from 1.
 */
export function parseWordList(text: string, file = WORDS_FILE): WordList {
  const { words, complete } = readSettings(READ, parseJson(text, file), file);
  return { counts: new Map(inOrder(words)), complete };
}
