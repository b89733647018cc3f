import { deflateSync } from 'node:zlib';
import { type Raster, resize } from '@easel/core';
import { encodePng } from '@easel/draw';
import { blockLines } from './blocks.js';
import type { Graphics } from './graphics.js';
import { sixelOf } from './sixel.js';

/** Cells between two pictures. */
const GAP = 2;
const FEWEST_COLUMNS = 8;
const MOST_COLUMNS = 32;
/** Lines of a terminal that are left to the bar and to what is printed above. */
const OTHER_LINES = 4;
/** Bytes of a part of a picture in kitty's protocol, at most. */
const KITTY_PART = 4096;

/** Text that draws pictures beside one another. */
export interface PictureBlock {
  /** Lines that the pictures take. */
  readonly lines: number;
  /** Written at the beginning of the first line, it ends at the beginning of the line below the last. */
  readonly text: string;
  /** Takes pictures away that do not go with the text on their lines. */
  readonly removal: string;
}

/** The pictures' places on a terminal. */
export interface BlockLayout {
  /** Number of pictures that fit beside one another. */
  readonly pictures: number;
  /** Columns of each; it takes half as many lines. */
  readonly columns: number;
}

/** Lays so many pictures out on a terminal. Returns undefined if it is too small for one. */
export function blockLayout(
  pictures: number,
  terminal: { readonly columns: number; readonly rows: number },
): BlockLayout | undefined {
  const width = terminal.columns - 1 + GAP;
  const most = Math.min(MOST_COLUMNS, 2 * (terminal.rows - OTHER_LINES));
  const even = (columns: number) => 2 * Math.floor(Math.min(most, columns) / 2);
  if (even(width - GAP) < FEWEST_COLUMNS) return undefined;
  const fitting = Math.max(1, Math.min(pictures, Math.floor(width / (FEWEST_COLUMNS + GAP))));
  return { pictures: fitting, columns: even(width / fitting - GAP) };
}

/** Draws square pictures beside one another. id: a number of their own, for kitty's protocol. */
export async function pictureBlock(
  pictures: readonly Raster[],
  { columns }: BlockLayout,
  graphics: Graphics,
  id: number,
): Promise<PictureBlock> {
  const lines = columns / 2;
  if (graphics.protocol === 'blocks') {
    const drawn = pictures.map((picture) =>
      blockLines(resize(picture, { width: columns, height: columns }, 'box'), graphics.depth),
    );
    const text = Array.from({ length: lines }, (_, line) =>
      drawn.map((one) => one[line]).join(' '.repeat(GAP)),
    );
    return { lines, text: text.map((line) => `${line}\x1b[K\n`).join(''), removal: '' };
  }
  const images = await Promise.all(
    pictures.map((picture, i) => imageOf(picture, columns, lines, graphics, id + i)),
  );
  // The lines are made first, since a terminal that scrolls would shift pictures.
  const placed = images.map((image, i) => `\x1b7\x1b[${i * (columns + GAP) + 1}G${image}\x1b8`);
  const text = `${'\n'.repeat(lines)}\x1b[${lines}A${placed.join('')}\x1b[${lines}B`;
  const removal =
    graphics.protocol === 'kitty'
      ? pictures.map((_, i) => `\x1b_Ga=d,d=I,i=${id + i},q=2\x1b\\`).join('')
      : '';
  return { lines, text, removal };
}

/** A picture in a protocol, at the cursor, which may move. */
async function imageOf(
  picture: Raster,
  columns: number,
  lines: number,
  graphics: Exclude<Graphics, { readonly protocol: 'blocks' }>,
  id: number,
): Promise<string> {
  switch (graphics.protocol) {
    case 'kitty': {
      const { width, height, data } = picture;
      const settings = `a=T,f=24,o=z,s=${width},v=${height},c=${columns},r=${lines},i=${id},p=1,C=1,q=2`;
      return inParts(settings, deflateSync(data).toString('base64'));
    }
    case 'iterm2': {
      const png = await encodePng(picture);
      const settings = `inline=1;size=${png.length};width=${columns};height=${lines};preserveAspectRatio=0`;
      return `\x1b]1337;File=${settings}:${Buffer.from(png).toString('base64')}\x07`;
    }
    case 'sixel': {
      const { width, height } = graphics.cell;
      return sixelOf(resize(picture, { width: columns * width, height: lines * height }, 'bilinear'));
    }
  }
}

/** A command of kitty's protocol, in parts of the length that it allows. */
function inParts(settings: string, data: string): string {
  let text = '';
  for (let at = 0; at < data.length; at += KITTY_PART) {
    const more = at + KITTY_PART < data.length ? 1 : 0;
    const keys = at === 0 ? `${settings},m=${more}` : `m=${more}`;
    text += `\x1b_G${keys};${data.slice(at, at + KITTY_PART)}\x1b\\`;
  }
  return text;
}
