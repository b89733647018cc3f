import { expect, test } from '@jest/globals';
import { pictureGrid } from './grid.js';
import type { Raster } from './raster.js';

const grey = (value: number, width = 2, height = 1): Raster => ({
  data: new Uint8Array(width * height * 3).fill(value),
  width,
  height,
  channels: 3,
});

test('three 2×1 pictures in two columns, a pixel apart; the empty place is white', () => {
  const { data, width, height, channels } = pictureGrid([grey(1), grey(2), grey(3)], 2, 1);
  expect([width, height, channels]).toEqual([5, 3, 3]);
  const red = Array.from({ length: 15 }, (_, i) => data[i * 3]);
  expect(red).toEqual([1, 1, 255, 2, 2, 255, 255, 255, 255, 255, 3, 3, 255, 255, 255]);
});

test('without a gap; a place that is left out; more columns than pictures', () => {
  const { data, width, height } = pictureGrid([undefined, grey(7, 1, 1)], 3);
  expect([width, height]).toEqual([3, 1]);
  expect([...data]).toEqual([255, 255, 255, 7, 7, 7, 255, 255, 255]);
});

test('one channel stays one channel', () => {
  const one: Raster = { data: Uint8Array.of(4, 5), width: 1, height: 2, channels: 1 };
  expect(pictureGrid([one, one], 2)).toEqual({
    data: Uint8Array.of(4, 4, 5, 5),
    width: 2,
    height: 2,
    channels: 1,
  });
});

test('no pictures: no pixels', () => {
  expect(pictureGrid([], 3)).toEqual({ data: new Uint8Array(0), width: 0, height: 0, channels: 3 });
});

test('pictures of two sizes are refused, naming the one that differs', () => {
  expect(() => pictureGrid([grey(1), grey(1, 3)], 2)).toThrow(
    'pictureGrid: expected pictures of one size, 1×2×3, got 1×3×3 for picture 1.',
  );
});
