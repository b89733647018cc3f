import type { Raster } from '@easel/core';
import { expect, test } from '@jest/globals';
import { blockLines, nearestOf256 } from './blocks.js';

const picture: Raster = {
  data: Uint8Array.of(255, 0, 0, 255, 0, 0, 1, 2, 3, 0, 0, 255, 0, 0, 255, 4, 5, 6),
  width: 3,
  height: 2,
  channels: 3,
};

test('two rows a line: the upper pixel is the character, the lower its ground; equal styles once', () => {
  expect(blockLines(picture, 24)).toEqual([
    '\x1b[38;2;255;0;0;48;2;0;0;255m▀▀\x1b[38;2;1;2;3;48;2;4;5;6m▀\x1b[0m',
  ]);
  expect(blockLines(picture, 8)).toEqual(['\x1b[38;5;196;48;5;21m▀▀\x1b[38;5;16;48;5;232m▀\x1b[0m']);
});

test('shades without colour, from dark to bright', () => {
  const greys = [0, 60, 128, 190, 255];
  const data = Uint8Array.from([...greys, ...greys].flatMap((grey) => [grey, grey, grey]));
  expect(blockLines({ data, width: 5, height: 2, channels: 3 }, 1)).toEqual([' ░▒▓█']);
});

test.each<[[number, number, number], number]>([
  [[0, 0, 0], 16],
  [[255, 255, 255], 231],
  [[95, 135, 175], 67],
  [[8, 8, 8], 232],
  [[128, 128, 128], 244],
  [[238, 238, 238], 255],
  [[250, 90, 4], 202],
])('%j is nearest to colour %i', (colour, number) => {
  expect(nearestOf256(colour)).toBe(number);
});
