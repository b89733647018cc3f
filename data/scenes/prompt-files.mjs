// Writes what a model of scenes knows of emoji into its folder: node data/scenes/prompt-files.mjs
// MODEL. emoji.json says which captions emoji stand for. Its words.json comes from the training.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EMOJI_FILE } from '@easel/draw';
import { captionOf } from './captions.mjs';
import { compose } from './scenes.mjs';
import { THINGS } from './things.mjs';

const emojiOf = (id) => String.fromCodePoint(...id.split('-').map((hex) => Number.parseInt(hex, 16)));

const [model] = process.argv.slice(2);
if (model === undefined) {
  console.error('node data/scenes/prompt-files.mjs MODEL');
  process.exitCode = 1;
} else {
  const captions = [...THINGS.keys()].map((id) => [emojiOf(id), captionOf(compose('alone', { ids: [id] }))]);
  writeFileSync(join(model, EMOJI_FILE), `${JSON.stringify(Object.fromEntries(captions), null, 1)}\n`);
  console.log(JSON.stringify({ emoji: captions.length }));
}
