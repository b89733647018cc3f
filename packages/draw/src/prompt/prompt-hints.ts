import type { Processor } from '@easel/bart';
import type { EmojiCaptions } from './emoji-captions.js';
import { NearestWords } from './nearest-words.js';
import { type WordList, wordsOf } from './word-list.js';

/** Most words that are suggested for an unknown one. */
const MOST_SUGGESTIONS = 3;

/** The parts of a picture model that read prompts. */
export interface PromptReader {
  readonly text: { readonly processor: Processor };
  readonly words?: WordList | undefined;
  readonly emoji?: EmojiCaptions | undefined;
}

/** A word that no caption of a model's training had. */
export interface UnknownWord {
  /** The word in the form that the model reads, e.g. in lower case. */
  readonly word: string;
  /** Words or pairs of words that it knows and that may be meant, the best first; up to three. */
  readonly suggestions: readonly string[];
}

/** What a model makes of a prompt's words. */
export interface PromptHint {
  readonly prompt: string;
  /** Its words that the model never saw, each once, in their order. */
  readonly unknown: readonly UnknownWord[];
  /**
   * Whether no letter or digit is left of the prompt once the model's normalizer has read it, so
   * that the model draws anything.
   */
  readonly empty: boolean;
  /** Whether the prompt is longer than the model reads, so that its end is left out. */
  readonly cut: boolean;
}

/**
 * Says of each prompt which words the model never saw in its training, with the nearest known ones.
 * Words are compared in the form that the model reads, by its own normalizer. A model without a
 * list of words (words.json) has no unknown words.
 *
 * The result is for a person: of a list that is not `complete`, a word may have been left out.
 */
export function promptHints(model: PromptReader, prompts: readonly string[]): PromptHint[] {
  const { words, text, emoji } = model;
  const isUnknown = (word: string) => words !== undefined && !words.counts.has(word);
  const suggestions = new Map<string, readonly string[]>();
  const suggest = (word: string): readonly string[] => {
    const found = suggestions.get(word) ?? nearestOf(words as WordList).of(word, MOST_SUGGESTIONS);
    suggestions.set(word, found);
    return found;
  };
  return prompts.map((prompt) => {
    const read = emoji?.apply(prompt) ?? prompt;
    const all = wordsOf(text.processor.textOf(read));
    const unknown = [...new Set(all)].filter(isUnknown);
    return {
      prompt,
      unknown: unknown.map((word) => ({ word, suggestions: suggest(word) })),
      empty: all.length === 0,
      cut: text.processor.cuts(read),
    };
  });
}

/** What is made of a list once, at its first unknown word. */
const nearestOfLists = new WeakMap<WordList, NearestWords>();

function nearestOf(list: WordList): NearestWords {
  const nearest = nearestOfLists.get(list) ?? new NearestWords(list.counts.keys());
  nearestOfLists.set(list, nearest);
  return nearest;
}
