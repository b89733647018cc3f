import type { Raster } from '@easel/core';

/** The six levels of each channel in the 256 colours' cube, which begins at 16. */
const CUBE_LEVELS = [0, 95, 135, 175, 215, 255];
const CUBE_FIRST = 16;
/** Greys in steps of 10 from 8 on. */
const GREY_FIRST = 232;
const GREYS = 24;

/** Characters from dark to bright, for a dark ground. */
const SHADES = ' ░▒▓█';

type Colour = readonly [red: number, green: number, blue: number];

/**
 * Draws a picture of bytes as lines of text, a column a pixel and two rows a line, by the character
 * of an upper half block. depth: bits of a colour, or 1 for shades. The height is even.
 */
export function blockLines({ data, width, height, channels }: Raster, depth: 24 | 8 | 1): string[] {
  const at = (x: number, y: number): Colour => {
    const i = (y * width + x) * channels;
    return [data[i] as number, data[i + 1] as number, data[i + 2] as number];
  };
  return Array.from({ length: height / 2 }, (_, line) => {
    const cells = Array.from({ length: width }, (__, x) => [at(x, 2 * line), at(x, 2 * line + 1)] as const);
    if (depth === 1) return cells.map(([upper, lower]) => shadeOf(upper, lower)).join('');
    let last = '';
    const text = cells.map(([upper, lower]) => {
      const style = `\x1b[38;${colourOf(upper, depth)};48;${colourOf(lower, depth)}m`;
      const changed = style === last ? '' : style;
      last = style;
      return `${changed}▀`;
    });
    return `${text.join('')}\x1b[0m`;
  });
}

function colourOf(colour: Colour, depth: 24 | 8): string {
  return depth === 24 ? `2;${colour.join(';')}` : `5;${nearestOf256(colour)}`;
}

/** The number of the nearest of the 256 colours, among the cube and the greys. */
export function nearestOf256(colour: Colour): number {
  const levels = colour.map((value) => nearestIndex(CUBE_LEVELS, value));
  const cube = levels.map((level) => CUBE_LEVELS[level] as number);
  const mean = (colour[0] + colour[1] + colour[2]) / 3;
  const grey = Math.min(GREYS - 1, Math.max(0, Math.round((mean - 8) / 10)));
  const far = (other: readonly number[]) =>
    colour.reduce((sum, value, i) => sum + (value - (other[i] as number)) ** 2, 0);
  if (far(Array(3).fill(8 + 10 * grey)) < far(cube)) return GREY_FIRST + grey;
  const [red, green, blue] = levels as [number, number, number];
  return CUBE_FIRST + 36 * red + 6 * green + blue;
}

function nearestIndex(values: readonly number[], value: number): number {
  let best = 0;
  for (const [i, other] of values.entries()) {
    if (Math.abs(other - value) < Math.abs((values[best] as number) - value)) best = i;
  }
  return best;
}

function shadeOf(upper: Colour, lower: Colour): string {
  const luminance = ([red, green, blue]: Colour) => 0.299 * red + 0.587 * green + 0.114 * blue;
  const share = (luminance(upper) + luminance(lower)) / 2 / 256;
  return SHADES[Math.floor(share * SHADES.length)] as string;
}
