// Scenes: what is in a picture, and which combinations no training ever sees.
//
// Things stand on a grid of 16 pixels of 128, in four sizes, so that a thing at one place has nearly
// the same image tokens as at another (the tokenizer's squares are 8 pixels wide).
import { pick, randomFrom } from '../emoji/captions.mjs';
import { COLOUR_NAMES } from './colours.mjs';
import { GRADIENTS, groundName, LANDSCAPE_NAMES, PLAIN_GROUNDS } from './grounds.mjs';
import { STYLE_NAMES } from './styles.mjs';
import { COLOURABLE, COUNTABLE, STANDING, THINGS } from './things.mjs';

/**
 * @typedef {object} Placed a thing at a place
 * @property {string} id
 * @property {string | null} colour null: its own
 * @property {number} turn degrees that are added to the colour's hue
 * @property {number} size side in 128ths of the picture
 * @property {number} x left edge in 128ths
 * @property {number} y top edge in 128ths
 *
 * @typedef {object} Scene
 * @property {string} kind one of KINDS
 * @property {Placed[]} things from back to front
 * @property {null | {colour: string} | {from: string, to: string} | {landscape: string}} ground
 * @property {number} groundTurn degrees that are added to the hue of the ground's colours
 * @property {string | null} style
 * @property {object} said what its captions say: the parts by which it was put together
 */

/** Kinds of scenes and their shares in training. */
export const KINDS = {
  alone: 0.3,
  colour: 0.22,
  count: 0.11,
  pair: 0.17,
  ground: 0.08,
  style: 0.05,
  size: 0.02,
  mixed: 0.05,
};

export const COUNTS = [1, 2, 3, 4];
export const RELATIONS = ['and', 'left of', 'right of', 'above', 'below', 'on', 'behind'];
export const SIZES = { small: 64, tiny: 32 };

/** Share of the combinations that are held out. */
const HELD_OUT = 0.1;

/**
 * Whether a combination is held out of all training. The parts alone decide, so that the rule
 * covers combinations nobody has listed. Kinds: colour × thing, count × thing, pair (either order),
 * relation × pair, ground × thing, style × thing, wording × thing.
 */
export function isHeldOut(kind, ...parts) {
  return randomFrom(['held out', kind, ...parts].join('|'))() < HELD_OUT;
}

/** The things of a pair in the order in which the rule of what is held out knows them. */
export const pairParts = (a, b) => (a < b ? [a, b] : [b, a]);

/** Whether any combination in a scene is held out. */
export function holdsHeldOut({ said }) {
  const { colours = [], ids, count, relation, ground, style } = said;
  return (
    ids.some((id, i) => colours[i] && isHeldOut('colour', colours[i], id)) ||
    (count !== undefined && count > 1 && isHeldOut('count', count, ids[0])) ||
    (ids.length === 2 &&
      (isHeldOut('pair', ...pairParts(...ids)) || isHeldOut('relation', relation, ...ids))) ||
    (ground && ids.some((id) => isHeldOut('ground', groundName(ground), id))) ||
    (style !== undefined && isHeldOut('style', style, ids[0]))
  );
}

const at = (id, size, x, y, colour = null, turn = 0) => ({ id, colour, turn, size, x, y });

/** Places of 1 to 4 things of 64 pixels. */
// biome-ignore format: a table
const COUNT_PLACES = {
  1: [[32, 32]],
  2: [[0, 32], [64, 32]],
  3: [[32, 0], [0, 64], [64, 64]],
  4: [[0, 0], [64, 0], [0, 64], [64, 64]],
};

/** [size, x, y] of the first and the second thing, and which is in front, by relation. */
const RELATION_PLACES = {
  and: { first: [64, 0, 32], second: [64, 64, 32] },
  'left of': { first: [64, 0, 32], second: [64, 64, 32] },
  'right of': { first: [64, 64, 32], second: [64, 0, 32] },
  above: { first: [64, 32, 0], second: [64, 32, 64] },
  below: { first: [64, 32, 64], second: [64, 32, 0] },
  on: { first: [64, 32, 0], second: [96, 16, 32], firstInFront: true },
  behind: { first: [96, 0, 0], second: [64, 64, 64] },
};

/**
 * Puts a scene together from what is said of it.
 *
 * @param {string} kind
 * @param {object} said ids: one thing, or the two of a pair; colours: of each thing, null for its
 *   own; count: of the thing; relation: of a pair; size: 'small' or 'tiny'; ground; style
 * @param {{turns?: number[], groundTurn?: number}} turns degrees that are added to hues
 * @returns {Scene}
 */
export function compose(kind, said, { turns = [], groundTurn = 0 } = {}) {
  const { ids, colours = [], count, relation, size, ground = null, style = null } = said;
  const look = (i) => [colours[i] ?? null, turns[i] ?? 0];
  const things = [];
  if (ids.length === 2) {
    const { first, second, firstInFront = false } = RELATION_PLACES[relation];
    const both = [at(ids[0], ...first, ...look(0)), at(ids[1], ...second, ...look(1))];
    things.push(...(firstInFront ? both.reverse() : both));
  } else if (count !== undefined && count > 1)
    for (const place of COUNT_PLACES[count]) things.push(at(ids[0], 64, ...place, ...look(0)));
  else if (size !== undefined) {
    const side = SIZES[size];
    things.push(at(ids[0], side, (128 - side) / 2, (128 - side) / 2, ...look(0)));
  } else if (ground !== null) things.push(at(ids[0], 96, 16, ground.landscape ? 32 : 16, ...look(0)));
  else things.push(at(ids[0], 128, 0, 0, ...look(0)));
  return { kind, things, ground, groundTurn, style, said };
}

/** Hues vary by so many degrees, so that a colour is learnt as a colour and not by heart. */
const HUE_JITTER = 8;

function drawKind(random, shares) {
  const names = Object.keys(shares);
  let rest = random() * names.reduce((sum, kind) => sum + shares[kind], 0);
  for (const kind of names) {
    rest -= shares[kind];
    if (rest < 0) return kind;
  }
  return names.at(-1);
}

const ALL = [...THINGS.keys()];

const COLOURABLE_SET = new Set(COLOURABLE);
const COUNTABLE_SET = new Set(COUNTABLE);

/** Colours of a drawn scene's things: of those that can have one, by chance. */
const drawColour = (random, id, chance) =>
  COLOURABLE_SET.has(id) && random() < chance ? pick(random, COLOUR_NAMES) : null;

const drawGround = (random) => {
  const family = random();
  if (family < 0.5) return pick(random, PLAIN_GROUNDS);
  if (family < 0.8) return { landscape: pick(random, LANDSCAPE_NAMES) };
  return pick(random, GRADIENTS);
};

function drawPair(random) {
  const first = pick(random, STANDING);
  let second = pick(random, STANDING);
  while (second === first) second = pick(random, STANDING);
  return [first, second];
}

/** What is said of a scene of a kind, drawn by chance, held out or not. */
export function drawSaid(kind, random) {
  switch (kind) {
    case 'alone':
      return { ids: [pick(random, ALL)] };
    case 'colour':
      return { ids: [pick(random, COLOURABLE)], colours: [pick(random, COLOUR_NAMES)] };
    case 'count':
      return { ids: [pick(random, COUNTABLE)], count: pick(random, COUNTS.slice(1)) };
    case 'pair':
      return { ids: drawPair(random), relation: pick(random, RELATIONS) };
    case 'ground':
      return { ids: [pick(random, STANDING)], ground: drawGround(random) };
    case 'style':
      return { ids: [pick(random, STANDING)], style: pick(random, STYLE_NAMES) };
    case 'size':
      return { ids: [pick(random, STANDING)], size: pick(random, Object.keys(SIZES)) };
    case 'mixed': {
      const which = random();
      if (which < 0.4) {
        const ids = random() < 0.5 ? [pick(random, COLOURABLE), pick(random, COLOURABLE)] : drawPair(random);
        if (ids[0] === ids[1]) return drawSaid(kind, random);
        const colours = ids.map((id) => drawColour(random, id, 0.8));
        return { ids, relation: pick(random, RELATIONS), colours };
      }
      const ids = [pick(random, COLOURABLE)];
      const colours = [pick(random, COLOUR_NAMES)];
      if (which < 0.7 && COUNTABLE_SET.has(ids[0]))
        return { ids, colours, count: pick(random, COUNTS.slice(1)) };
      return { ids, colours, ground: drawGround(random) };
    }
    default:
      throw new Error(`Scenes: no kind "${kind}". There are: ${Object.keys(KINDS).join(', ')}.`);
  }
}

const turn = (random) => Math.round(100 * HUE_JITTER * (2 * random() - 1)) / 100;

/** Whether a scene shows a thing whose colour is that of the ground, so that it can't be seen. */
const hides = ({ colours = [], ground }) => ground?.colour !== undefined && colours.includes(ground.colour);

/**
 * Draws a scene of which no combination is held out.
 *
 * @param {() => number} random
 * @param {Record<string, number>} shares kinds by their shares
 * @returns {Scene}
 */
export function drawScene(random, shares = KINDS) {
  const kind = drawKind(random, shares);
  for (;;) {
    const said = drawSaid(kind, random);
    if (hides(said)) continue;
    const scene = compose(kind, said, {
      turns: said.ids.map(() => turn(random)),
      groundTurn: turn(random),
    });
    if (!holdsHeldOut(scene)) return scene;
  }
}
