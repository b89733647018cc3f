// Plurals of what things are called.
import pluralize from 'pluralize';

for (const noun of ['rhinoceros', 'claus']) pluralize.addIrregularRule(noun, `${noun}es`);

/** Words that end the head of a noun phrase: the word before them has the plural. */
const AFTER_HEAD =
  / (?:with|of|in|on|at|without|from|for|behind|over|under|facing|showing|to|and) | \S+ing\b/;

/** The end of the words of a name that its number belongs to: "face" of "face with tears of joy". */
function endOfHead(name) {
  const end = name.slice(1).search(AFTER_HEAD) + 1;
  if (end === 0) return name.length;
  // "fishing pole", "rolling pin": a gerund that belongs to the noun after it.
  const running = /^ (?!showing |facing )\S+ing\b/.test(name.slice(end));
  const who = /(?:^|\s)(?:man|men|woman|women|person|people|boy|girl|face)$/.test(name.slice(0, end));
  return running && !who ? name.length : end;
}

/**
 * Returns the plural of a name: "face with tears of joy" → "faces with tears of joy", "man
 * running" → "men running".
 */
export function pluralOf(name) {
  const end = endOfHead(name);
  // "woman teacher" → "women teachers"; "people hugging" is plural already.
  const plural = pluralize(name.slice(0, end)).replace(/^(man|woman)(?= )/, (word) => pluralize(word));
  return plural + name.slice(end);
}

/** Whether a name is a plural, as "glasses" or "men holding hands". */
export function isPluralName(name) {
  const noun = name.slice(0, endOfHead(name)).split(/[\s-]/).at(-1);
  // Of words that have one form, "scissors" is a plural, and "fish" and "tennis" are none.
  return pluralize.isPlural(noun) && (!pluralize.isSingular(noun) || /[^i]s$/.test(noun));
}
