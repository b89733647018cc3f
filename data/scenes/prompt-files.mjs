// Writes what a model of scenes knows of emoji into its folder: node data/scenes/prompt-files.mjs
// MODEL. emoji.json says which captions emoji stand for. Its words.json comes from the training.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EMOJI_FILE } from '@easel/draw';
import { emojiOf } from '../emoji/drawings.mjs';
import { captionOf } from './captions.mjs';
import { compose } from './scenes.mjs';
import { THINGS } from './things.mjs';

const [model] = process.argv.slice(2);
if (model === undefined) {
  console.error('node data/scenes/prompt-files.mjs MODEL');
  process.exitCode = 1;
} else {
  const captions = [...THINGS].map(([id, thing]) => [
    emojiOf(thing),
    captionOf(compose('alone', { ids: [id] })),
  ]);
  writeFileSync(join(model, EMOJI_FILE), `${JSON.stringify(Object.fromEntries(captions), null, 1)}\n`);
  console.log(JSON.stringify({ emoji: captions.length }));
}
