import { expect, test } from '@jest/globals';
import { featureDistance, nearestConcepts, pictureFeatures } from './retrieval.js';

/** A black picture of side 32 whose columns from `from` on are red. */
const picture = (from: number) =>
  Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) =>
    i % 3 === 0 && Math.floor(i / 3) % 32 >= from ? 255 : 0,
  );

test('features by hand: means over cells', () => {
  const features = pictureFeatures(picture(17), 32);
  expect(features).toHaveLength(16 * 16 * 3 + 8 * 8 * 3);
  const red = (start: number, cells: number) =>
    Array.from({ length: cells }, (_, x) => features[start + x * 3] as number);
  // Cells of 2 pixels: the ninth is half red. Cells of 4: the fifth is three quarters red.
  expect(red(0, 16)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0.5, 1, 1, 1, 1, 1, 1, 1]);
  expect(red(16 * 16 * 3, 8)).toEqual([0, 0, 0, 0, 0.75, 1, 1, 1]);
  expect(features[1]).toBe(0);
});

test('the nearest concepts, nearest first', () => {
  const gallery = [32, 16, 8, 17].map((from) => ({
    concept: `from ${from}`,
    features: pictureFeatures(picture(from), 32),
  }));
  expect(nearestConcepts(pictureFeatures(picture(17), 32), gallery, 3)).toEqual([
    'from 17',
    'from 16',
    'from 8',
  ]);
  // 16 rows of half a cell and 8 rows of a quarter: √(16/4 + 8/16)
  expect(
    featureDistance(gallery[1]?.features as Float32Array, gallery[3]?.features as Float32Array),
  ).toBeCloseTo(Math.sqrt(4.5), 5);
});

test('a side that is no multiple of 16 is refused', () => {
  expect(() => pictureFeatures(new Uint8Array(24 * 24 * 3), 24)).toThrow(
    /multiple of 16 pixels, got a side of 24/,
  );
  expect(() => pictureFeatures(new Uint8Array(8), 16)).toThrow(/expected a square picture/);
});
