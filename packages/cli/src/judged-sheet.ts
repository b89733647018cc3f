import type { Raster } from '@easel/core';
import type { JudgedSample } from '@easel/train';
import { captionedSheet } from './captioned-sheet.js';

const GREEN = [46, 160, 67] as const;
const RED = [218, 54, 51] as const;
const WHITE = [255, 255, 255] as const;

/**
 * Lays out judged drawings, each beside the right rendering, in a frame that is green if the drawing
 * is right and red if it is wrong on an axis. Each split of a kind has a row. The caption of a wrong
 * drawing begins with the axes on which it is wrong.
 */
export function judgedSheet(samples: readonly JudgedSample[]): Promise<Raster> {
  const rows = new Map<string, JudgedSample[]>();
  for (const sample of samples) {
    const name = `${sample.kind} ${sample.split}`;
    rows.set(name, [...(rows.get(name) ?? []), sample]);
  }
  const columns = Math.max(...[...rows.values()].map((row) => row.length));
  const cells = [...rows.values()].flatMap((row) =>
    Array.from({ length: columns }, (_, i) => {
      const sample = row[i];
      const { drawing, rendering } = row[0] as JudgedSample;
      if (sample === undefined) return { picture: framed(drawing, rendering, WHITE, true), caption: '' };
      const { prompt, wrong } = sample;
      const picture = framed(sample.drawing, sample.rendering, wrong.length === 0 ? GREEN : RED);
      return { picture, caption: wrong.length === 0 ? prompt : `${wrong.join(', ')} wrong: ${prompt}` };
    }),
  );
  return captionedSheet(
    cells.map(({ picture }) => picture),
    cells.map(({ caption }) => caption),
    columns,
  );
}

/** Puts two pictures of one size side by side into a frame; `isBlank` leaves them out. */
function framed(
  left: Raster,
  right: Raster,
  colour: readonly [number, number, number],
  isBlank = false,
): Raster {
  const { width: side } = left;
  const edge = Math.max(2, Math.round(side / 32));
  const [width, height] = [2 * side + 3 * edge, side + 2 * edge];
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => colour[i % 3] as number);
  const pictures = isBlank ? [] : [left, right];
  for (const [i, picture] of pictures.entries())
    for (let y = 0; y < side; y++) {
      const row = picture.data.subarray(y * side * 3, (y + 1) * side * 3);
      data.set(row, ((y + edge) * width + edge + i * (side + edge)) * 3);
    }
  return { data, width, height, channels: 3 };
}
