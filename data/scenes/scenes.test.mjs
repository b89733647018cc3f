import { expect, test } from '@jest/globals';
import { namesOf, randomFrom } from '../emoji/captions.mjs';
import { captionOf, captionsOfScene } from './captions.mjs';
import { COLOUR_NAMES, COLOURS, measureColour, recolour, rgbOf } from './colours.mjs';
import { open, options } from './generator.mjs';
import { GROUNDS, groundName, groundPixels } from './grounds.mjs';
import { isPluralName, pluralOf } from './nouns.mjs';
import { renderScene } from './render.mjs';
import { COUNTS, compose, drawScene, holdsHeldOut, isHeldOut, KINDS, RELATIONS } from './scenes.mjs';
import { STYLE_NAMES } from './styles.mjs';
import {
  COLOURABLE,
  COUNTABLE,
  ONE_COLOURED,
  STANDING,
  THINGS,
  thingColour,
  thingPixels,
} from './things.mjs';

const idOf = (label) => {
  for (const [id, drawing] of THINGS) if (drawing.label === label) return id;
  throw new Error(`No thing "${label}".`);
};

const defaults = Object.fromEntries(Object.entries(options).map(([name, option]) => [name, option.default]));

test('names have plurals, also where the noun is not the last word', () => {
  expect(
    [
      'cat',
      'cat with tears of joy',
      'man running',
      'woman teacher',
      'face without mouth',
      'knife',
      'fishing pole',
      'person in lotus position',
      'sheep',
    ].map(pluralOf),
  ).toEqual([
    'cats',
    'cats with tears of joy',
    'men running',
    'women teachers',
    'faces without mouth',
    'knives',
    'fishing poles',
    'people in lotus position',
    'sheep',
  ]);
});

test('names that are plurals take no article, and no number', () => {
  const plurals = ['glasses', 'scissors', 'men holding hands', 'busts in silhouette', 'crossed swords'];
  const singulars = ['cat', 'fish', 'tennis', 'rhinoceros', 'globe showing americas', 'glass of milk', 'bus'];
  expect([...plurals, ...singulars].filter(isPluralName)).toEqual(plurals);
  const [glasses, socks, fish] = [idOf('glasses'), idOf('socks'), idOf('fish')];
  expect(captionOf(compose('alone', { ids: [glasses] }))).toBe('glasses');
  expect(captionOf(compose('pair', { ids: [glasses, socks], relation: 'above' }))).toBe(
    'glasses above socks',
  );
  expect([glasses, socks, fish].map((id) => COUNTABLE.includes(id))).toEqual([false, false, true]);
  const random = randomFrom('plurals');
  for (let i = 0; i < 200; i++)
    expect(captionOf(compose('alone', { ids: [socks] }), random)).not.toMatch(/\ba socks\b/);
  // A name that ends in "a" and a plural's letters keeps them.
  const congratulations = [...THINGS.keys()].find((id) =>
    namesOf(THINGS.get(id)).includes('ja congratulations'),
  );
  const captions = Array.from({ length: 200 }, () =>
    captionOf(compose('alone', { ids: [congratulations] }), random),
  );
  expect(captions.join()).toContain('ja congratulations');
  expect(captions.join()).not.toContain('jcongratulations');
});

test('canonical captions say what is in the scene', () => {
  const [cat, car] = [idOf('cat'), idOf('racing car')];
  expect(captionOf(compose('colour', { ids: [cat], colours: ['purple'] }))).toBe('a purple cat');
  expect(captionOf(compose('count', { ids: [cat], count: 3 }))).toBe('three cats');
  expect(captionOf(compose('pair', { ids: [cat, car], relation: 'left of' }))).toBe(
    'a cat left of a racing car',
  );
  expect(captionOf(compose('ground', { ids: [cat], ground: { colour: 'orange' } }))).toBe(
    'a cat on an orange background',
  );
  expect(captionOf(compose('ground', { ids: [cat], ground: { landscape: 'snow' } }))).toBe(
    'a cat in the snow',
  );
  expect(captionOf(compose('style', { ids: [cat], style: 'silhouette' }))).toBe('a cat as a silhouette');
  expect(captionOf(compose('mixed', { ids: [cat, car], relation: 'on', colours: ['red', null] }))).toBe(
    'a red cat on a racing car',
  );
});

test('captions by chance name every colour, number and thing of the scene', () => {
  const random = randomFrom('captions');
  const cat = idOf('cat');
  for (let i = 0; i < 200; i++) {
    const colour = COLOUR_NAMES[i % COLOUR_NAMES.length];
    const count = 2 + (i % 3);
    const [caption] = captionsOfScene(compose('mixed', { ids: [cat], colours: [colour], count }), random, 1);
    expect(caption).toContain(colour);
    expect(caption).toMatch({ 2: /two|2|pair/, 3: /three|3/, 4: /four|4/ }[count]);
  }
});

test('a tenth of the combinations is held out, and no drawn scene has one', () => {
  let heldOut = 0;
  for (const id of COLOURABLE) for (const colour of COLOUR_NAMES) heldOut += isHeldOut('colour', colour, id);
  const share = heldOut / (COLOURABLE.length * COLOUR_NAMES.length);
  expect(share).toBeGreaterThan(0.08);
  expect(share).toBeLessThan(0.12);
  const random = randomFrom('drawn scenes');
  const kinds = {};
  for (let i = 0; i < 3000; i++) {
    const scene = drawScene(random);
    kinds[scene.kind] = (kinds[scene.kind] ?? 0) + 1;
    if (holdsHeldOut(scene)) throw new Error(`Held out: ${captionOf(scene)}`);
  }
  expect(Object.keys(kinds).sort()).toEqual(Object.keys(KINDS).sort());
});

test('the rule of what is held out sees every kind of combination', () => {
  const find = (make, parts) => {
    for (const id of STANDING) {
      const said = make(id);
      if (said !== undefined && isHeldOut(...parts(id))) return compose('any', said);
    }
    throw new Error('None is held out.');
  };
  const other = STANDING[0];
  const scenes = [
    find(
      (id) => ({ ids: [id], colours: ['blue'] }),
      (id) => ['colour', 'blue', id],
    ),
    find(
      (id) => ({ ids: [id], count: 3 }),
      (id) => ['count', 3, id],
    ),
    find(
      (id) => (id > other ? { ids: [id, other], relation: 'and' } : undefined),
      (id) => ['pair', other, id],
    ),
    find(
      (id) => ({ ids: [id, other], relation: 'on' }),
      (id) => ['relation', 'on', id, other],
    ),
    find(
      (id) => ({ ids: [id], ground: { landscape: 'sea' } }),
      (id) => ['ground', 'sea', id],
    ),
    find(
      (id) => ({ ids: [id], style: 'neon' }),
      (id) => ['style', 'neon', id],
    ),
  ];
  for (const scene of scenes) expect(holdsHeldOut(scene)).toBe(true);
  expect(holdsHeldOut(compose('count', { ids: [STANDING[5]], count: 1 }))).toBe(false);
});

test('every thing that can have another colour takes it', async () => {
  for (let i = 0; i < COLOURABLE.length; i += 20) {
    const id = COLOURABLE[i];
    expect(ONE_COLOURED.has(id)).toBe(true);
    const rgba = await thingPixels(id, 64);
    const own = await thingColour(id);
    for (const colour of ['green', 'purple', 'orange']) {
      const measured = measureColour(recolour(rgba, own, COLOURS[colour]));
      const turn = Math.abs(((measured.hue - COLOURS[colour].hue + 540) % 360) - 180);
      if (turn > 20) throw new Error(`${THINGS.get(id).label} in ${colour} has hue ${measured.hue}.`);
    }
  }
});

test('colours are told apart by their sRGB bytes', () => {
  const all = COLOUR_NAMES.map((name) => rgbOf(COLOURS[name]));
  for (const [i, a] of all.entries())
    for (const b of all.slice(0, i))
      expect(Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2])).toBeGreaterThan(45);
  expect(rgbOf(COLOURS.white).every((v) => v > 230)).toBe(true);
});

test('a thing looks the same wherever it stands', async () => {
  const [a, b] = [idOf('rocket'), idOf('pizza')];
  const left = await renderScene(compose('pair', { ids: [a, b], relation: 'left of' }));
  const right = await renderScene(compose('pair', { ids: [b, a], relation: 'left of' }));
  const half = (rgb, x) => {
    const out = [];
    for (let y = 0; y < 128; y++) out.push(...rgb.subarray((y * 128 + x) * 3, (y * 128 + x + 64) * 3));
    return out;
  };
  expect(half(left, 0)).toEqual(half(right, 64));
  expect(half(left, 64)).toEqual(half(right, 0));
});

test('each ground, style, count and relation makes a picture of its own', async () => {
  const id = idOf('pizza');
  const scenes = [
    ...GROUNDS.map((ground) => ({ ids: [id], ground })),
    ...STYLE_NAMES.map((style) => ({ ids: [id], style })),
    ...COUNTS.map((count) => ({ ids: [id], count })),
    // "and" and "left of" are one picture.
    ...RELATIONS.slice(1).map((relation) => ({ ids: [id, idOf('rocket')], relation })),
  ];
  const pictures = new Set();
  for (const said of scenes)
    pictures.add(Buffer.from(await renderScene(compose('any', said), 32)).toString('base64'));
  expect(pictures.size).toBe(scenes.length);
  expect(new Set(GROUNDS.map(groundName)).size).toBe(GROUNDS.length);
  expect(groundPixels(null, 16).every((v) => v === 255)).toBe(true);
});

test('the generator gives the same picture for the same number, whatever came before', async () => {
  const source = open({ ...defaults, seed: 3, size: 32 });
  const again = open({ ...defaults, seed: 3, size: 32 });
  const first = source.picture(17);
  source.picture(4);
  const second = again.picture(17);
  expect(second.captions).toEqual(first.captions);
  expect(Buffer.compare(Buffer.from(await second.bytes()), Buffer.from(await first.bytes()))).toBe(0);
  expect(open({ ...defaults, seed: 4 }).digest).not.toBe(source.digest);
  expect(() => open({ ...defaults, kinds: 'colors' })).toThrow(/kinds: expected kinds and shares/);
  expect(() => open({ ...defaults, size: 100 })).toThrow(/multiple of 16/);
});
