// Draws the grids of docs/drawing.md with the model that ships: node docs/draw-grids.mjs. A row is a value of one
// setting, the others as the model has them; a column is a seed. Prints nothing; writes docs/images/drawing-*.png.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pictureGrid, selectBackend } from '@easel/core';
import { encodePng, generatePictures } from '@easel/draw';
import { openPictureModel } from '@easel/draw/node';

const COLUMNS = 8;
const GRIDS = {
  temperature: { prompt: 'a robot', values: [0.2, 0.5, 1, 1.5, 2] },
  topK: { prompt: 'a robot', values: [1, 8, 64, 1024], also: { temperature: 1 } },
  conditionScale: { prompt: 'two red hearts', values: [1, 1.5, 3, 6, 10] },
};

await selectBackend();
const model = await openPictureModel('@easel/model-emoji');
for (const [setting, { prompt, values, also = {} }] of Object.entries(GRIDS)) {
  const pictures = [];
  for (const value of values) {
    const settings = { ...also, [setting]: value };
    for await (const { pixels } of generatePictures(model, { prompts: [prompt], images: COLUMNS, settings }))
      pictures.push(pixels);
  }
  const name = setting.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const file = join(import.meta.dirname, 'images', `drawing-${name}.png`);
  writeFileSync(file, await encodePng(pictureGrid(pictures, COLUMNS)));
}
model.dispose();
