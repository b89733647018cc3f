import type { Raster } from '@easel/core';
import { expect, test } from '@jest/globals';
import { captionedSheet, captionLines } from './captioned-sheet.js';

test('captionLines: broken at spaces, in the midst of long words, cut with …', () => {
  expect(captionLines('a red heart', 20)).toEqual(['a red heart']);
  expect(captionLines('a red heart', 6)).toEqual(['a red', 'heart']);
  expect(captionLines(' a  red heart and more', 6)).toEqual(['a red', 'heart…']);
  expect(captionLines('supercalifragilistic', 8)).toEqual(['supercal', 'ifragil…']);
  expect(captionLines('', 8)).toEqual([]);
});

test('pictures stay as they are, the strip below is white or has letters', async () => {
  const picture = (value: number): Raster => ({
    data: new Uint8Array(20 * 10 * 3).fill(value),
    width: 20,
    height: 10,
    channels: 3,
  });
  const { data, width, height, channels } = await captionedSheet(
    [picture(7), picture(9), picture(11)],
    ['a<b', '', ''],
    2,
  );
  const cell = 10 + Math.ceil(9 * 3);
  expect([width, height, channels]).toEqual([41, 2 * cell + 1, 3]);
  const at = (x: number, y: number) => data[(y * width + x) * 3];
  expect([at(0, 0), at(21, 9), at(0, cell + 1)]).toEqual([7, 9, 11]);
  expect([at(20, 0), at(30, cell - 5), at(0, cell - 1)]).toEqual([255, 255, 255]);
});
