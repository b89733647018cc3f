import type { Raster } from '@easel/core';

/** Levels of red, green and blue: 252 colours, of the 256 that terminals have at least. */
const LEVELS = [6, 7, 6] as const;

/** Rows of pixels that a sixel holds. */
const BAND = 6;
/** A sixel's bits are added to this character. */
const EMPTY = 63;
/** From so many equal sixels on they are written as a count. */
const SHORTEST_RUN = 4;

/**
 * Draws a picture of bytes as a sixel sequence (DEC STD 070). The colours are a fixed table, and an
 * error in a pixel is carried on to its neighbours (Floyd and Steinberg 1976).
 */
export function sixelOf(picture: Raster): string {
  const { width, height } = picture;
  const indices = quantized(picture);
  const used = [...new Set(indices)].sort((a, b) => a - b);
  const colours = used.map((index) => `#${index};2;${percentages(index).join(';')}`);
  const bands: string[] = [];
  for (let top = 0; top < height; top += BAND) bands.push(bandOf(indices, width, height, top));
  return `\x1bPq"1;1;${width};${height}${colours.join('')}${bands.join('-')}\x1b\\`;
}

/** The sixels of up to six rows, one colour after the other. */
function bandOf(indices: Uint8Array, width: number, height: number, top: number): string {
  const bits = new Map<number, Uint8Array>(); // of each colour, [width]
  for (let row = 0; row < Math.min(BAND, height - top); row++) {
    for (let x = 0; x < width; x++) {
      const index = indices[(top + row) * width + x] as number;
      const own = bits.get(index) ?? new Uint8Array(width);
      own[x] = (own[x] as number) | (1 << row);
      bits.set(index, own);
    }
  }
  return [...bits].map(([index, own]) => `#${index}${runs(own)}`).join('$');
}

/** Sixels with equal neighbours counted; empty ones at the end are left out. */
function runs(bits: Uint8Array): string {
  let text = '';
  const end = bits.findLastIndex((value) => value !== 0) + 1;
  for (let x = 0; x < end; ) {
    let next = x + 1;
    while (next < end && bits[next] === bits[x]) next++;
    const character = String.fromCharCode(EMPTY + (bits[x] as number));
    text += next - x < SHORTEST_RUN ? character.repeat(next - x) : `!${next - x}${character}`;
    x = next;
  }
  return text;
}

/** The colour of each pixel: its index in the table. */
function quantized({ data, width, height, channels }: Raster): Uint8Array {
  const indices = new Uint8Array(width * height);
  for (let channel = 0; channel < 3; channel++) {
    const levels = LEVELS[channel] as number;
    const unit = LEVELS.slice(channel + 1).reduce((product, count) => product * count, 1);
    const step = 255 / (levels - 1);
    let errors = new Float32Array(width + 2); // of the row above, shifted by one
    for (let y = 0; y < height; y++) {
      const below = new Float32Array(width + 2);
      let left = 0;
      for (let x = 0; x < width; x++) {
        const wanted =
          (data[(y * width + x) * channels + channel] as number) + left + (errors[x + 1] as number);
        const level = Math.min(levels - 1, Math.max(0, Math.round(wanted / step)));
        const error = wanted - level * step;
        left = (error * 7) / 16;
        below[x] = (below[x] as number) + (error * 3) / 16;
        below[x + 1] = (below[x + 1] as number) + (error * 5) / 16;
        below[x + 2] = (below[x + 2] as number) + error / 16;
        indices[y * width + x] = (indices[y * width + x] as number) + level * unit;
      }
      errors = below;
    }
  }
  return indices;
}

/** A colour of the table, each channel from 0 to 100. */
function percentages(index: number): number[] {
  const [, green, blue] = LEVELS;
  const levels = [Math.floor(index / (green * blue)), Math.floor(index / blue) % green, index % blue];
  return levels.map((level, channel) => Math.round((100 * level) / ((LEVELS[channel] as number) - 1)));
}
