// Finds the drawings that are of one colour and writes one-coloured.json: node data/scenes/measure.mjs
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { listDrawings } from '../emoji/drawings.mjs';
import { isOneColoured, measureColour } from './colours.mjs';

const things = [];
for (const { id, path } of listDrawings().drawings) {
  const rgba = await sharp(path)
    .resize(64, 64, { kernel: 'lanczos3' })
    .ensureAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer();
  if (isOneColoured(measureColour(rgba))) things.push(id);
}
writeFileSync(join(import.meta.dirname, 'one-coloured.json'), `${JSON.stringify({ things }, null, 1)}\n`);
console.log(`${things.length} drawings are of one colour.`);
