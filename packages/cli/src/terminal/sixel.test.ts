import type { Raster } from '@easel/core';
import { expect, test } from '@jest/globals';
import { sixelOf } from './sixel.js';

/** Reads a sixel sequence as a terminal does: the colour of each pixel, from 0 to 100 a channel. */
function decode(text: string): { width: number; height: number; pixels: number[][][] } {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: sequences begin with ESC
  const [, width, height, body] = /^\x1bPq"1;1;(\d+);(\d+)(.*)\x1b\\$/s.exec(text) as unknown as [
    string,
    ...string[],
  ];
  const pixels = Array.from({ length: Number(height) }, () => Array<number[]>(Number(width)).fill([]));
  const colours = new Map<string, number[]>();
  let [x, top, colour] = [0, 0, [] as number[]];
  for (const [, define, choose, count, bits, move] of (body as string).matchAll(
    /#(\d+;2;\d+;\d+;\d+)|#(\d+)|(?:!(\d+))?([?-~])|([$-])/g,
  )) {
    if (define) {
      const [index, , ...channels] = define.split(';') as [string, string, ...string[]];
      colours.set(index, channels.map(Number));
    } else if (choose) colour = colours.get(choose) as number[];
    else if (move) {
      x = 0;
      if (move === '-') top += 6;
    } else {
      for (let n = 0; n < Number(count ?? 1); n++, x++) {
        for (let row = 0; row < 6; row++) {
          if (((bits as string).charCodeAt(0) - 63) & (1 << row))
            (pixels[top + row] as number[][])[x] = colour;
        }
      }
    }
  }
  return { width: Number(width), height: Number(height), pixels };
}

const pictureOf = (width: number, height: number, at: (x: number, y: number) => number[]): Raster => {
  const pixels = Array.from({ length: width * height }, (_, i) => at(i % width, Math.floor(i / width)));
  return { data: Uint8Array.from(pixels.flat()), width, height, channels: 3 };
};

test('colours of the table come as they are, in rows that fill no whole band', () => {
  const at = (x: number, y: number) => [x < 2 ? 0 : 255, y < 4 ? 255 : 0, x === y ? 51 : 0];
  const { width, height, pixels } = decode(sixelOf(pictureOf(9, 8, at)));
  expect([width, height]).toEqual([9, 8]);
  for (const [y, row] of pixels.entries()) {
    for (const [x, pixel] of row.entries())
      expect(pixel).toEqual(at(x, y).map((value) => Math.round(value / 2.55)));
  }
});

test('others are mixed: the mean of a plain colour is that colour', () => {
  const colour = [30, 100, 200];
  const { pixels } = decode(sixelOf(pictureOf(40, 30, () => colour)));
  for (const [channel, value] of colour.entries()) {
    const sum = pixels.flat().reduce((total, pixel) => total + (pixel[channel] as number), 0);
    expect((sum / 1200) * 2.55).toBeGreaterThan(value - 3);
    expect((sum / 1200) * 2.55).toBeLessThan(value + 3);
  }
});

test('runs are counted from four on, and empty sixels at the end left out', () => {
  const text = sixelOf(pictureOf(7, 1, (x) => (x < 5 ? [0, 0, 0] : [255, 255, 255])));
  expect(text).toBe('\x1bPq"1;1;7;1#0;2;0;0;0#251;2;100;100;100#0!5@$#251!5?@@\x1b\\');
});
