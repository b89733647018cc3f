import { expect, test } from '@jest/globals';
import sharp from 'sharp';
import { pictureGrid, reconstructionGrid } from './picture-grid.js';

test('three pictures of 2×2 in rows of two: each above its reconstruction, the empty place white', async () => {
  const pictures = (greys: number[]) => Uint8Array.from(greys.flatMap((grey) => Array(12).fill(grey)));
  const grid = await reconstructionGrid(pictures([10, 20, 30]), pictures([11, 21, 31]), 2, 2);
  expect([grid.width, grid.height]).toEqual([4, 8]);
  const { data, info } = await sharp(grid.png).extractChannel(0).raw().toBuffer({ resolveWithObject: true });
  expect([info.width, info.height]).toEqual([4, 8]);
  const rows = Array.from({ length: 8 }, (_, y) => [...data.subarray(y * 4, y * 4 + 4)]);
  expect(rows).toEqual([
    [10, 10, 20, 20],
    [10, 10, 20, 20],
    [11, 11, 21, 21],
    [11, 11, 21, 21],
    [30, 30, 255, 255],
    [30, 30, 255, 255],
    [31, 31, 255, 255],
    [31, 31, 255, 255],
  ]);
});

test('pictures side by side', async () => {
  const pictures = Uint8Array.from([10, 20, 30].flatMap((grey) => [grey, grey, grey]));
  const { png, width, height } = await pictureGrid(pictures, 1, 2);
  expect([width, height]).toEqual([2, 2]);
  expect([...(await sharp(png).extractChannel(0).raw().toBuffer())]).toEqual([10, 20, 30, 255]);
});
