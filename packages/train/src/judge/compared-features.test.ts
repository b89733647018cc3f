import { expect, test } from '@jest/globals';
import { comparedFeatures } from './compared-features.js';
import { pictureFeatures } from './retrieval.js';

test('means, then the variation within cells by hand', () => {
  // Side 32: cells of 2×2 pixels. The first has two white pixels and two black ones, all others are
  // grey: its variance is 1/4, and a quarter of that is the mean of four cells.
  const pixels = new Uint8Array(32 * 32 * 3).fill(128);
  for (const [x, y, value] of [
    [0, 0, 255],
    [1, 0, 0],
    [0, 1, 0],
    [1, 1, 255],
  ] as const)
    pixels.fill(value, (y * 32 + x) * 3, (y * 32 + x + 1) * 3);
  const features = comparedFeatures(pixels, 32);
  const means = pictureFeatures(pixels, 32);
  expect(features.slice(0, means.length)).toEqual(means);
  expect([...features.slice(means.length)]).toEqual([0.25, ...new Array(63).fill(0)]);
});
