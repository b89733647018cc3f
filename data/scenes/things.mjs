// The things of scenes: the drawings of the emoji set, what they are called, and their pixels.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { namesOf } from '../emoji/captions.mjs';
import { listDrawings } from '../emoji/drawings.mjs';
import { measureColour } from './colours.mjs';
import { isPluralName, pluralOf } from './nouns.mjs';

const { drawings } = listDrawings();

/** All things by id, in the order of the emoji set. */
export const THINGS = new Map(drawings.map((drawing) => [drawing.id, drawing]));

const own = JSON.parse(readFileSync(join(import.meta.dirname, 'one-coloured.json'), 'utf8'));

/** Things that are of one colour by measurement (measure.mjs). */
export const ONE_COLOURED = new Set(own.things);

const COLOUR_WORDS =
  /\b(red|orange|yellow|green|blue|purple|pink|brown|black|white|grey|gray|turquoise|light|dark|silver|gold)\b/i;

/**
 * Whether a drawing shows a thing that can stand beside others, in a number, or on a ground. Flags
 * and signs are pictures of themselves; clock faces and compounds with a colon have no plural.
 */
const isThing = ({ group, label }) =>
  group !== 'flags' && group !== 'symbols' && !/o.clock|-thirty$|:/.test(label);

/** Ids of the things that scenes are made of. */
export const STANDING = [...THINGS.values()].filter(isThing).map(({ id }) => id);

/**
 * Ids of the things of which there can be a number: their name has a plural and is none, or names
 * animals ("four fish").
 */
export const COUNTABLE = STANDING.filter((id) => {
  const thing = THINGS.get(id);
  const [name] = namesOf(thing);
  return !isPluralName(name) && (pluralOf(name) !== name || thing.group === 'animals-nature');
});

/**
 * Ids of the things that can be of another colour: of one colour, and without a colour in their
 * name, since "a blue red apple" is nothing that a person would ask for.
 */
export const COLOURABLE = STANDING.filter(
  (id) => ONE_COLOURED.has(id) && !COLOUR_WORDS.test(THINGS.get(id).label),
);

const pixels = new Map();
const colours = new Map();

/**
 * Returns a thing's pixels: RGBA bytes [size · size · 4]. A thing is read and scaled once for each
 * size. A thousand things of 128 pixels take 66 MB.
 */
export async function thingPixels(id, size) {
  const key = `${id} ${size}`;
  let loading = pixels.get(key);
  if (loading === undefined) {
    loading = sharp(THINGS.get(id).path)
      .resize(size, size, { kernel: 'lanczos3' })
      .ensureAlpha()
      .toColourspace('srgb')
      .raw()
      .toBuffer()
      .then((buffer) => Uint8Array.from(buffer));
    pixels.set(key, loading);
  }
  return loading;
}

/** Returns the measured colour of a thing. */
export async function thingColour(id) {
  let measured = colours.get(id);
  if (measured === undefined) {
    measured = thingPixels(id, 64).then(measureColour);
    colours.set(id, measured);
  }
  return measured;
}
