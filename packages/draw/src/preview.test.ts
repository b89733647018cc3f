import type { Raster } from '@easel/core';
import { describe, expect, test } from '@jest/globals';
import { PreviewBudget, PreviewCanvas } from './preview.js';

/** A band of pictures with two pixels a code each way, all of one value. */
function decoded(lines: number, value: number): Raster {
  return { data: new Uint8Array(lines * 2 * 8 * 3).fill(value), width: 8, height: lines * 2, channels: 3 };
}

describe('PreviewCanvas', () => {
  const codes = Int32Array.from({ length: 16 }, (_, i) => i);

  test('new lines come with two above them, of which the last is drawn anew', () => {
    const canvas = new PreviewCanvas(4);
    expect(canvas.bandOf(codes, 3)).toBeUndefined();
    const first = canvas.bandOf(codes, 9);
    expect(first).toEqual({ codes: codes.slice(0, 8), from: 0, drawnFrom: 0, to: 2 });
    const shown = canvas.draw(first as NonNullable<typeof first>, decoded(2, 50));
    expect([shown.width, shown.height]).toEqual([8, 8]);
    const values = (picture: Raster) =>
      Array.from({ length: 4 }, (_, line) => picture.data[line * 2 * 8 * 3]);
    expect(values(shown)).toEqual([50, 50, 128, 128]);
    expect(canvas.bandOf(codes, 11)).toBeUndefined();
    const second = canvas.bandOf(codes, 12);
    expect(second).toEqual({ codes: codes.slice(0, 12), from: 0, drawnFrom: 1, to: 3 });
    expect(values(canvas.draw(second as NonNullable<typeof second>, decoded(3, 60)))).toEqual([
      50, 60, 60, 128,
    ]);
    expect(values(shown)).toEqual([50, 50, 128, 128]); // a copy
    const third = canvas.bandOf(codes, 16);
    expect(third).toEqual({ codes: codes.slice(4), from: 1, drawnFrom: 2, to: 4 });
    expect(values(canvas.draw(third as NonNullable<typeof third>, decoded(3, 70)))).toEqual([50, 60, 70, 70]);
  });

  test('at each of 16 lines: 45 lines are decoded, a third of 136', () => {
    const canvas = new PreviewCanvas(16);
    const all = new Int32Array(256);
    let lines = 0;
    for (let count = 1; count <= 256; count++) {
      const band = canvas.bandOf(all, count);
      if (band === undefined) continue;
      lines += band.to - band.from;
      canvas.draw(band, {
        data: new Uint8Array((band.to - band.from) * 16 * 3),
        width: 16,
        height: band.to - band.from,
        channels: 3,
      });
    }
    expect(lines).toBe(45);
  });
});

describe('PreviewBudget', () => {
  test('the first is free to see what it takes; then time is saved up', () => {
    const budget = new PreviewBudget(0.1);
    expect(budget.lines).toBe(Number.POSITIVE_INFINITY);
    budget.earn(20);
    budget.spend(12, 3);
    expect(budget.lines).toBe(0);
    budget.earn(100);
    expect(budget.lines).toBe(0);
    budget.earn(200);
    expect(budget.lines).toBeCloseTo(5);
  });

  test('a share of 0 gives the first alone, and one of Infinity each', () => {
    const [none, all] = [new PreviewBudget(0), new PreviewBudget(Number.POSITIVE_INFINITY)];
    for (const budget of [none, all]) {
      budget.earn(1);
      budget.spend(1, 1);
      budget.earn(1);
    }
    expect([none.lines, all.lines]).toEqual([0, Number.POSITIVE_INFINITY]);
  });
});
