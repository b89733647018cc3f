// Draws nine pictures and ranks them by how well they fit the prompt, as DALL·E mini's page did with CLIP:
//   node rank.mjs CLIP_FOLDER "a red heart"
// The folder is one that transformers saves, such as openai/clip-vit-base-patch32. Writes 1.png, the best, to 9.png.

import { writeFileSync } from 'node:fs';
import { openClip } from '@easel/clip/node';
import { selectBackend } from '@easel/core';
import { encodePng, generatePictures } from '@easel/draw';
import { openPictureModel } from '@easel/draw/node';

const [folder, prompt = 'a red heart'] = process.argv.slice(2);
if (folder === undefined)
  throw new Error('give the folder of a CLIP: node rank.mjs CLIP_FOLDER "a red heart"');
await selectBackend();

const model = await openPictureModel('@easel/model-emoji');
const pictures = [];
for await (const { pixels } of generatePictures(model, { prompts: [prompt], images: 9 }))
  pictures.push(pixels);
model.dispose();

const { scorer, dispose } = await openClip(folder);
const scores = await scorer.score(prompt, pictures);
dispose();

const best = [...pictures.keys()].sort((a, b) => scores[b] - scores[a]);
for (const [place, n] of best.entries()) {
  writeFileSync(`${place + 1}.png`, await encodePng(pictures[n]));
  console.log(`${place + 1}.png  picture ${n}  score ${scores[n].toFixed(3)}`);
}
