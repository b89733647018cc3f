// Draws a picture in ten lines: node draw.mjs "a red heart"

import { writeFileSync } from 'node:fs';
import { selectBackend } from '@easel/core';
import { encodePng, generatePictures } from '@easel/draw';
import { openPictureModel } from '@easel/draw/node';

const [prompt = 'a red heart'] = process.argv.slice(2);
await selectBackend(); // native, else wasm, else cpu
const model = await openPictureModel('@easel/model-emoji');
for await (const { pixels } of generatePictures(model, { prompts: [prompt], seed: 7 }))
  writeFileSync('picture.png', await encodePng(pixels));
model.dispose();
console.log('picture.png');
