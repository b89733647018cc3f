// What models of scenes are asked, and what their drawings are compared with: `easel judge MODEL
// data/scenes/judged.mjs`. It is a JudgedModule of @easel/train. A rendering's name is what is said of
// its scene, as JSON.
import { pick, randomCaption, randomFrom } from '../emoji/captions.mjs';
import { captionOf, isHeldOutWording, wordsOf } from './captions.mjs';
import { COLOUR_NAMES, COLOURS } from './colours.mjs';
import { GROUNDS, groundName } from './grounds.mjs';
import { renderScene } from './render.mjs';
import { COUNTS, compose, drawSaid, isHeldOut, pairParts } from './scenes.mjs';
import { STYLE_NAMES } from './styles.mjs';
import { COLOURABLE, STANDING, THINGS, thingColour } from './things.mjs';

/** The settings and their defaults. */
export const options = {
  seed: { default: 0, about: 'seed by which prompts are chosen' },
  wording: {
    default: 'canonical',
    about: 'of the composed kinds: canonical, or paraphrase for wordings by the grammar',
  },
};

const ALL = [...THINGS.keys()];
const nameOf = (said) => JSON.stringify(said);

/** Compares a scene with what `others` makes of what is said of it, once that is needed. */
const comparison = (said, others) => ({
  right: nameOf(said),
  contrasts: () => others(said).map(nameOf),
});

/** All other things in one's place: a thing, or the one of a pair. */
const otherThings =
  (things, own) =>
  ({ ids, ...rest }) =>
    things
      .filter((id) => !ids.includes(id))
      .map((id) => ({ ids: ids.map((there) => (there === own ? id : there)), ...rest }));

/** All other values of a part of what is said. */
const otherValues = (part, values) => (said) => values.map((value) => ({ ...said, [part]: value }));

/** A colour's place in OKLab. */
const placeOf = ({ lightness, chroma, hue }) => {
  const angle = (hue * Math.PI) / 180;
  return [lightness, chroma * Math.cos(angle), chroma * Math.sin(angle)];
};

/** The colour that a thing's own is nearest to. */
async function ownColour(id) {
  const own = placeOf(await thingColour(id));
  const distances = COLOUR_NAMES.map((name) =>
    Math.hypot(...placeOf(COLOURS[name]).map((v, i) => v - own[i])),
  );
  return COLOUR_NAMES[distances.indexOf(Math.min(...distances))];
}

/** The ways in which two things stand, each once: "left of" swapped is "right of". */
const ARRANGEMENTS = [
  ...['left of', 'right of', 'above', 'below', 'on', 'behind'].map((relation) => [relation, false]),
  ...['on', 'behind'].map((relation) => [relation, true]),
];

const arrangementsOf = ([a, b]) =>
  ARRANGEMENTS.map(([relation, swapped]) => ({ ids: swapped ? [b, a] : [a, b], relation }));

/** What can be right about a scene of each kind, and what tells. */
const axesOf = {
  alone: (said) => ({ thing: [comparison(said, otherThings(ALL, said.ids[0]))] }),

  colour: async (said) => {
    const [colour] = said.colours;
    const others = COLOUR_NAMES.filter((name) => name !== colour);
    // A drawing of the thing's own colour is no wrong one if that is what is asked for.
    if ((await ownColour(said.ids[0])) !== colour) others.push(null);
    return {
      thing: [comparison(said, otherThings(COLOURABLE, said.ids[0]))],
      colour: [
        comparison(
          said,
          otherValues(
            'colours',
            others.map((name) => [name]),
          ),
        ),
      ],
    };
  },

  count: (said) => ({
    thing: [comparison(said, otherThings(STANDING, said.ids[0]))],
    count: [
      comparison(
        said,
        otherValues(
          'count',
          COUNTS.filter((count) => count !== said.count),
        ),
      ),
    ],
  }),

  /** Things are there however they stand, so that a wrong relation is counted once. */
  pair: (said) => {
    const [first, second] = said.ids;
    const arrangements = arrangementsOf(said.ids);
    const without = (id) => arrangements.map((scene) => comparison(scene, otherThings(STANDING, id)));
    const both = arrangements.map((scene) =>
      comparison(scene, () => [first, second].flatMap((id) => otherThings(STANDING, id)(scene))),
    );
    const others = () => arrangements.filter((scene) => nameOf(scene) !== nameOf(said));
    return {
      first: without(first),
      second: without(second),
      both,
      // "A and B" doesn't say how they stand.
      ...(said.relation !== 'and' && { relation: [comparison(said, others)] }),
    };
  },

  ground: (said) => {
    const others = GROUNDS.filter((ground) => groundName(ground) !== groundName(said.ground));
    return {
      thing: [comparison(said, otherThings(STANDING, said.ids[0]))],
      ground: [comparison(said, otherValues('ground', [null, ...others]))],
    };
  },

  style: (said) => {
    const others = STYLE_NAMES.filter((style) => style !== said.style);
    return {
      thing: [comparison(said, otherThings(STANDING, said.ids[0]))],
      style: [comparison(said, otherValues('style', [null, ...others]))],
    };
  },
};

/** Splits of each composed kind, and the one that a scene belongs to. */
const splits = {
  colour: bySeen(({ ids, colours }) => isHeldOut('colour', colours[0], ids[0])),
  count: bySeen(({ ids, count }) => count > 1 && isHeldOut('count', count, ids[0])),
  pair: {
    names: ['seen', 'held-out pair', 'held-out relation'],
    of: ({ ids, relation }) =>
      isHeldOut('pair', ...pairParts(...ids))
        ? 'held-out pair'
        : isHeldOut('relation', relation, ...ids)
          ? 'held-out relation'
          : 'seen',
  },
  ground: bySeen(({ ids, ground }) => isHeldOut('ground', groundName(ground), ids[0])),
  style: bySeen(({ ids, style }) => isHeldOut('style', style, ids[0])),
};

function bySeen(isHeld) {
  return { names: ['seen', 'held out'], of: (said) => (isHeld(said) ? 'held out' : 'seen') };
}

/** Scenes in a row that bring nothing new before it is taken that there are no more. */
const PATIENCE = 5000;

/** Draws scenes of a composed kind: at most `count` of each split, none twice. */
function composed(kind, { seed, count, isParaphrased }) {
  const random = randomFrom(`${seed} judged ${kind}`);
  const found = new Map(splits[kind].names.map((name) => [name, new Map()]));
  const isOpen = (scenes) => scenes.size < count;
  for (let vain = 0; vain < PATIENCE && [...found.values()].some(isOpen); vain++) {
    const drawn = drawSaid(kind, random);
    // Counts from one on, each as often.
    const said = kind === 'count' ? { ...drawn, count: pick(random, COUNTS) } : drawn;
    const scenes = found.get(splits[kind].of(said));
    if (!isOpen(scenes) || scenes.has(nameOf(said))) continue;
    scenes.set(nameOf(said), said);
    vain = -1;
  }
  return [...found].flatMap(([split, scenes]) =>
    [...scenes].map(([name, said]) => {
      const wording = isParaphrased ? randomFrom(`${seed} wording ${name}`) : undefined;
      return { split, said, prompt: captionOf(compose(kind, said), wording) };
    }),
  );
}

const vocabularies = new Map(
  [...THINGS].map(([id, { label, tags, shortcodes }]) => [
    id,
    new Set(
      [label, ...tags, ...shortcodes].flatMap((text) => wordsOf(text.toLowerCase().replaceAll('_', ' '))),
    ),
  ]),
);

/** Whether a wording means one thing: it has its label, or words that belong to no other together. */
function isClear(id, wording) {
  const words = wordsOf(wording);
  return (
    wordsOf(THINGS.get(id).label.toLowerCase()).every((word) => words.includes(word)) ||
    ALL.every((other) => other === id || !words.every((word) => vocabularies.get(other).has(word)))
  );
}

/** Wordings that are tried for a thing. */
const TRIES = 100;

/** Things alone by their canonical captions, by wordings of training, and by those held out of it. */
function alone({ seed, count }) {
  const random = randomFrom(`${seed} judged alone`);
  const things = [...ALL];
  for (let i = things.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [things[i], things[j]] = [things[j], things[i]];
  }
  const asked = { canonical: new Map(), paraphrase: new Map(), 'unseen wording': new Map() };
  for (const id of things) {
    const said = { ids: [id] };
    const canonical = captionOf(compose('alone', said));
    const add = (split, prompt) => {
      if (asked[split].size < count && !asked[split].has(prompt)) asked[split].set(prompt, said);
    };
    add('canonical', canonical);
    const own = randomFrom(`${seed} wordings ${id}`);
    const first = {};
    for (let tries = 0; tries < TRIES && Object.keys(first).length < 2; tries++) {
      const wording = randomCaption(THINGS.get(id), own);
      const split = isHeldOutWording(id, wording) ? 'unseen wording' : 'paraphrase';
      if (first[split] === undefined && wording !== canonical && isClear(id, wording)) first[split] = wording;
    }
    for (const [split, wording] of Object.entries(first)) add(split, wording);
    if (Object.values(asked).every(({ size }) => size === count)) break;
  }
  return Object.entries(asked).flatMap(([split, prompts]) =>
    [...prompts].map(([prompt, said]) => ({ split, said, prompt })),
  );
}

/**
 * Opens the judged prompts.
 *
 * @param {{seed: number, wording: string}} settings
 * @returns a JudgedSet of @easel/train
 */
export function open({ seed, wording }) {
  if (wording !== 'canonical' && wording !== 'paraphrase')
    throw new Error(`wording: expected canonical or paraphrase, got "${wording}".`);
  return {
    kinds: Object.keys(axesOf),
    async prompts(kind, count) {
      const asked =
        kind === 'alone'
          ? alone({ seed, count })
          : composed(kind, { seed, count, isParaphrased: wording === 'paraphrase' });
      return Promise.all(
        asked.map(async ({ split, said, prompt }) => ({
          prompt,
          split,
          right: nameOf(said),
          axes: await axesOf[kind](said),
        })),
      );
    },
    render: (name, size) => renderScene(compose('judged', JSON.parse(name)), size),
  };
}
