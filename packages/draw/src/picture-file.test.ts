import { expect, test } from '@jest/globals';
import { encodePng } from './encode-png.js';
import { pictureFile, readPictureOrigin } from './picture-file.js';
import { addPngText } from './png-text.js';

const pixels = { data: new Uint8Array(2 * 3 * 3), width: 3, height: 2, channels: 3 };
const ofModel = { topK: 64, topP: 1, temperature: 0.5, conditionScale: 1.5 };
const origin = { prompt: 'ein 🦊', index: 2, seed: 7, model: 'tiny', settings: { topK: 5 } };

test('a file says how it was made, with all settings', async () => {
  const png = await pictureFile(pixels, origin, ofModel);
  expect(readPictureOrigin(png)).toEqual({ ...origin, settings: { ...ofModel, topK: 5 } });
});

test.each([
  ['{', 'a.png: not JSON'],
  ['{"seed": 7}', 'a.png: prompt: expected a text, got undefined'],
  ['{"prompt": "x", "seed": -1}', 'a.png: seed: expected a whole number from 0 to 4294967295, got -1'],
  ['{"prompt": "x", "seed": 1, "temperature": -2}', 'a.png: temperature: expected a number above 0, got -2'],
])('what cannot be is refused: %s', async (text, message) => {
  const png = addPngText(await encodePng(pixels), new Map([['Easel', text]]));
  expect(() => readPictureOrigin(png, 'a.png')).toThrow(message);
});

test('other pictures say nothing; what a later Easel adds is ignored', async () => {
  const plain = await encodePng(pixels);
  expect(() => readPictureOrigin(plain, 'a.png')).toThrow('a.png: it does not say how it was made');
  const record = { prompt: 'x', index: 0, seed: 1, model: 'm', new_setting: 3, top_p: 0.5 };
  const later = addPngText(plain, new Map([['Easel', JSON.stringify(record)]]));
  expect(readPictureOrigin(later)).toEqual({
    prompt: 'x',
    index: 0,
    seed: 1,
    model: 'm',
    settings: { topP: 0.5 },
  });
});
