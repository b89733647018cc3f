import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { readRgb } from './read-rgb.js';

// Made by reference/make-pictures.py with Pillow 13: the RGB bytes that it makes of each.
const folder = new URL('./golden/', import.meta.url).pathname;
const pictures = JSON.parse(readFileSync(`${folder}pictures.json`, 'utf8')) as Readonly<
  Record<string, { readonly width: number; readonly height: number; readonly data: string }>
>;

test.each(Object.entries(pictures))('%s', async (name, { width, height, data }) => {
  const expected = { width, height, channels: 3, data: [...Buffer.from(data, 'base64')] };
  for (const content of [undefined, new Uint8Array(readFileSync(`${folder}${name}`))]) {
    const picture = await readRgb(`${folder}${name}`, content);
    expect({ ...picture, data: [...picture.data] }).toEqual(expected);
  }
});
