// Finds the drawings that are of one colour and writes one-coloured.json: node data/scenes/measure.mjs
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isOneColoured } from './colours.mjs';
import { THINGS, thingColour } from './things.mjs';

const things = [];
for (const id of THINGS.keys()) if (isOneColoured(await thingColour(id))) things.push(id);
writeFileSync(join(import.meta.dirname, 'one-coloured.json'), `${JSON.stringify({ things }, null, 2)}\n`);
console.log(`${things.length} drawings are of one colour.`);
