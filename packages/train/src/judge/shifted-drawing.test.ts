import { expect, test } from '@jest/globals';
import { comparedFeatures } from './compared-features.js';
import { featureDistance } from './retrieval.js';
import { ShiftedDrawing } from './shifted-drawing.js';

const SIDE = 32;

/** A white picture with a black square of side 9 at x, y. */
function square(x: number, y: number): Uint8Array {
  return Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => {
    const [row, column] = [Math.floor(i / (SIDE * 3)), Math.floor(i / 3) % SIDE];
    return row >= y && row < y + 9 && column >= x && column < x + 9 ? 0 : 255;
  });
}

test('a square two pixels off is no distance away, and one three pixels off is one pixel away', () => {
  const drawing = new ShiftedDrawing(square(10, 7), SIDE);
  expect(drawing.distance(comparedFeatures(square(12, 5), SIDE))).toBe(0);
  const far = comparedFeatures(square(13, 7), SIDE);
  expect(drawing.distance(far)).toBeCloseTo(featureDistance(comparedFeatures(square(12, 7), SIDE), far), 10);
});

test('what a shift leaves open is filled from the edge', () => {
  const grey = new Uint8Array(SIDE * SIDE * 3).fill(128);
  expect(new ShiftedDrawing(grey, SIDE).distance(comparedFeatures(grey, SIDE))).toBe(0);
});

test('isWithin says what distance says, just below it and just above', () => {
  const drawing = new ShiftedDrawing(square(10, 7), SIDE);
  for (const [x, y] of [
    [0, 0],
    [11, 8],
    [13, 7],
    [20, 20],
  ] as const) {
    const features = comparedFeatures(square(x, y), SIDE);
    const distance = drawing.distance(features);
    expect([drawing.isWithin(features, distance), drawing.isWithin(features, distance + 1e-6)]).toEqual([
      false,
      true,
    ]);
  }
});
