import type { Raster } from '@easel/core';
import { splitPictures } from '@easel/core/internals';
import { expect, test } from '@jest/globals';
import { reconstructionGrid } from './reconstruction-grid.js';

test('three pictures of 2×2 in rows of two: each above its reconstruction, the empty places white', () => {
  const pictures = (greys: number[]): Raster[] =>
    splitPictures(Uint8Array.from(greys.flatMap((grey) => Array(12).fill(grey))), { height: 2, width: 2 });
  const grid = reconstructionGrid(pictures([10, 20, 30]), pictures([11, 21, 31]), 2);
  expect([grid.width, grid.height, grid.channels]).toEqual([4, 8, 3]);
  const rows = Array.from({ length: 8 }, (_, y) =>
    Array.from({ length: 4 }, (_, x) => grid.data[(y * 4 + x) * 3]),
  );
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

test('fewer pictures than columns make a narrower grid', () => {
  const one: Raster[] = [{ data: Uint8Array.of(1, 2, 3), width: 1, height: 1, channels: 3 }];
  expect(reconstructionGrid(one, one)).toEqual({
    data: Uint8Array.of(1, 2, 3, 1, 2, 3),
    width: 1,
    height: 2,
    channels: 3,
  });
});
