// What a person might write to get a scene: a grammar with other words, articles, plurals, colours
// and numbers.
import { canonicalCaption, namesOf, pick, randomCaption, withArticle } from '../emoji/captions.mjs';
import { LANDSCAPES } from './grounds.mjs';
import { isPluralName, pluralOf } from './nouns.mjs';
import { isHeldOut } from './scenes.mjs';
import { STYLES } from './styles.mjs';
import { THINGS } from './things.mjs';

const NUMBERS = { 2: ['two', '2'], 3: ['three', '3'], 4: ['four', '4'] };

const RELATION_PHRASES = {
  and: ['and', 'and', 'with', 'next to', 'beside'],
  'left of': ['left of', 'to the left of', 'on the left of'],
  'right of': ['right of', 'to the right of', 'on the right of'],
  above: ['above', 'over'],
  below: ['below', 'under', 'underneath'],
  on: ['on', 'on top of', 'standing on'],
  behind: ['behind'],
};

/** The same with the second thing named first. */
const REVERSED_PHRASES = { behind: ['in front of'] };

const SIZE_WORDS = { small: ['small', 'little'], tiny: ['tiny', 'very small'] };

/** What frames a wording and says nothing of the thing. */
const FRAME = /^(?:an?|the) (?:emoji|picture|drawing) of |^emoji of | emoji$/;

/** The words of a wording without frame and article, in alphabetical order. */
export const wordsOf = (wording) =>
  wording
    .replace(FRAME, '')
    .replace(/^(?:an?|the) /, '')
    .split(/[\s,:]+/)
    .sort();

/**
 * Whether a wording of a thing, a name of it or a caption of it alone, is held out of all training.
 * Articles, frames and the order of words make no other wording. The label is never held out.
 */
export function isHeldOutWording(id, wording) {
  const [words, label] = [wording, namesOf(THINGS.get(id))[0]].map((text) => wordsOf(text).join(' '));
  return words !== label && isHeldOut('wording', words, id);
}

/** A name of a thing: its label, or in a quarter of the captions another of its names. */
function nameOf(id, random) {
  const [label, ...others] = namesOf(THINGS.get(id));
  const words = others.filter(
    (name) => /^[a-z][a-z '-]+$/.test(name) && name.length > 2 && !isHeldOutWording(id, name),
  );
  return random !== undefined && words.length > 0 && random() < 0.25 ? pick(random, words) : label;
}

/** "a purple car", "purple cars": a thing with its colour, size and number, if it has any. */
function nounPhrase({ id, colour, count, size }, random) {
  const choose = (list) => (random === undefined ? list[0] : pick(random, list));
  const many = count !== undefined && count > 1;
  const name = nameOf(id, random);
  const noun = many ? pluralOf(name) : name;
  const adjectives = [size && choose(SIZE_WORDS[size]), colour].filter(Boolean);
  let phrase = [...adjectives, noun].join(' ');
  if (colour && random !== undefined && random() < 0.15)
    phrase = [
      ...adjectives.slice(0, -1),
      noun,
      pick(random, many ? ['in', 'coloured', 'that are'] : ['in', 'coloured', 'that is']),
      colour,
    ].join(' ');
  if (many) {
    const pair = count === 2 && random !== undefined && random() < 0.1;
    return `${pair ? 'a pair of' : choose(NUMBERS[count])} ${phrase}`;
  }
  if (/^(?:an?|the) /.test(phrase)) return phrase;
  const article = random === undefined ? 0 : random();
  if (article < 0.75) return isPluralName(name) ? phrase : withArticle(phrase);
  return article < 0.82 ? `the ${phrase}` : phrase;
}

function groundPhrase(ground, random) {
  const choose = (list) => (random === undefined ? list[0] : pick(random, list));
  if (ground.landscape) return choose(LANDSCAPES[ground.landscape].phrases);
  if (ground.colour) {
    const { colour } = ground;
    const on = withArticle(`${colour} background`);
    return choose([
      `on ${on}`,
      `on ${on}`,
      `in front of ${withArticle(`${colour} wall`)}`,
      `with ${on}`,
      `on ${colour}`,
    ]);
  }
  const { from, to } = ground;
  const both = withArticle(`${from} to ${to} gradient`);
  return choose([
    `on ${both}`,
    `on ${both}`,
    `on ${withArticle(`${from} and ${to} gradient`)}`,
    `with ${both} background`,
  ]);
}

/** How captions of a drawing alone give it an article: none to its names that are plurals. */
function articledOf(drawing) {
  const plurals = namesOf(drawing).filter(isPluralName);
  return (text) => (plurals.some((name) => text.startsWith(name)) ? text : withArticle(text));
}

const FRAMES = ['a picture of ', 'an image of ', 'an illustration of ', 'picture of '];

/**
 * Returns a caption of a scene: drawn by chance, or without `random` the canonical one, by which
 * models are judged.
 *
 * @param {import('./scenes.mjs').Scene} scene
 * @param {(() => number) | undefined} random
 */
export function captionOf({ kind, said }, random) {
  const { ids, colours = [], count, relation, size, ground, style } = said;
  if (kind === 'alone') {
    const drawing = THINGS.get(ids[0]);
    const articled = articledOf(drawing);
    if (random === undefined) return canonicalCaption(drawing, articled);
    for (;;) {
      const caption = randomCaption(drawing, random, '', articled);
      if (!isHeldOutWording(ids[0], caption)) return caption;
    }
  }
  const choose = (list) => (random === undefined ? list[0] : pick(random, list));
  const noun = (i) => nounPhrase({ id: ids[i], colour: colours[i], count, size }, random);
  let text;
  if (ids.length === 2) {
    const reversed = REVERSED_PHRASES[relation];
    text =
      reversed !== undefined && random !== undefined && random() < 0.4
        ? `${noun(1)} ${choose(reversed)} ${noun(0)}`
        : `${noun(0)} ${choose(RELATION_PHRASES[relation])} ${noun(1)}`;
  } else text = noun(0);
  if (ground) text = `${text} ${groundPhrase(ground, random)}`;
  if (style) {
    const { before, after } = STYLES[style];
    if (random === undefined) text = `${text}${after[0]}`;
    else if (random() < 0.5) text = `${text}${pick(random, after)}`;
    else {
      const lead = pick(random, before);
      // "a pixelated a cat": an adjective takes the place of the article.
      text = / of $/.test(lead) ? `${lead}${text}` : `${lead}${text.replace(/^(?:an?|the) /, '')}`;
    }
  } else if (random !== undefined && random() < 0.08) text = `${pick(random, FRAMES)}${text}`;
  return text;
}

/** Returns up to `count` different captions of a scene, the canonical one in every second scene. */
export function captionsOfScene(scene, random, count) {
  const captions = new Set();
  if (random() < 0.5) captions.add(captionOf(scene));
  for (let tries = 0; captions.size < count && tries < 10 * count; tries++)
    captions.add(captionOf(scene, random));
  return [...captions];
}
