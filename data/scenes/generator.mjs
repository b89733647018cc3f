// Scenes without end as a source of pictures: `data/scenes/generator.mjs?seed=0&count=100000` stands
// where a folder of pictures stands. Pictures are made when they are read; there are no files.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { randomFrom } from '../emoji/captions.mjs';
import { captionsOfScene } from './captions.mjs';
import { renderScene } from './render.mjs';
import { drawScene, KINDS } from './scenes.mjs';

/** Files that decide what a scene looks like and is called. */
const SOURCES = [
  '../emoji/captions.mjs',
  '../emoji/drawings.mjs',
  'captions.mjs',
  'colours.mjs',
  'generator.mjs',
  'grounds.mjs',
  'nouns.mjs',
  'one-coloured.json',
  'render.mjs',
  'scenes.mjs',
  'styles.mjs',
  'things.mjs',
];

/** The settings and their defaults. */
export const options = {
  seed: { default: 0, about: 'seed of the scenes' },
  count: { default: 1_000_000, about: 'number of scenes' },
  size: { default: 128, about: 'side in pixels, a multiple of 16' },
  captions: { default: 3, about: 'captions of a scene' },
  kinds: { default: '', about: 'kinds and shares, such as "alone:0.5,colour:0.5"; by default all' },
};

function sharesOf(kinds) {
  if (kinds === '') return KINDS;
  return Object.fromEntries(
    kinds.split(',').map((part) => {
      const [kind, share = '1'] = part.split(':');
      if (KINDS[kind] === undefined || !(Number(share) > 0))
        throw new Error(
          `kinds: expected kinds and shares such as "alone:0.5,colour:0.5" of ${Object.keys(KINDS).join(', ')}; got "${part}".`,
        );
      return [kind, Number(share)];
    }),
  );
}

/**
 * Opens the generator.
 *
 * @param {{seed: number, count: number, size: number, captions: number, kinds: string}} settings
 * @returns `length`, `digest` of all that decides the pictures, and `picture(n)`, which makes the
 *   scene of a number: its name, its captions and a PNG
 */
export function open({ seed, count, size, captions, kinds }) {
  if (size % 16 !== 0) throw new Error(`size: expected a multiple of 16, got ${size}.`);
  const shares = sharesOf(kinds);
  const digest = createHash('sha256');
  for (const file of SOURCES) digest.update(readFileSync(join(import.meta.dirname, file)));
  digest.update(JSON.stringify({ seed, count, size, captions, shares }));
  return {
    length: count,
    digest: digest.digest('hex'),
    picture(n) {
      const random = randomFrom(`${seed} ${n}`);
      const scene = drawScene(random, shares);
      return {
        file: `${n}-${scene.kind}.png`,
        captions: captionsOfScene(scene, random, captions),
        bytes: async () =>
          sharp(await renderScene(scene, size), { raw: { width: size, height: size, channels: 3 } })
            .png({ compressionLevel: 1 })
            .toBuffer(),
      };
    },
  };
}
