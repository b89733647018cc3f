import type { PromptHint, UnknownWord } from '@easel/draw';

/** Hints that are shown; a long list of prompts may have any number. */
const MOST_LINES = 10;

/**
 * Writes hints as lines for a person, each unknown word once; an empty text if there is nothing to
 * say. `complete` says whether the model's list of words has all that it learnt.
 */
export function formatHints(hints: readonly PromptHint[], complete: boolean): string {
  const unknown = new Map(hints.flatMap((hint) => hint.unknown).map((one) => [one.word, one]));
  const lines = [
    ...hints
      .filter(({ empty }) => empty)
      .map(({ prompt }) => `"${prompt}": the model reads no word in this prompt, so it draws anything.`),
    ...[...unknown.values()].map((one) => formatUnknown(one, complete)),
  ];
  const more = lines.length - MOST_LINES;
  const shown = lines.slice(0, MOST_LINES);
  if (more > 0) shown.push(more === 1 ? 'One more hint like these.' : `${more} more hints like these.`);
  return shown.map((line) => `${line}\n`).join('');
}

function formatUnknown({ word, suggestions }: UnknownWord, complete: boolean): string {
  const knows = complete ? 'does not know' : 'hardly knows';
  const quoted = suggestions.map((one) => `"${one}"`);
  const last = quoted.pop();
  const meant =
    last === undefined
      ? '.'
      : `; did you mean ${quoted.length === 0 ? last : `${quoted.join(', ')} or ${last}`}?`;
  return `"${word}": the model ${knows} this word${meant}`;
}
