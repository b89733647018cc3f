import { pictureGrid, type Raster } from '@easel/core';
import sharp from 'sharp';

/** Most lines of a caption below its picture. Longer captions are cut. */
const LINES = 2;
/** Height of a letter as a share of a picture's width, and its least height in pixels. */
const LETTER_SHARE = 1 / 14;
const LEAST_LETTER = 9;
/** Average width of a letter as a share of its height, for the font that fontconfig calls sans. */
const LETTER_WIDTH = 0.58;

/**
 * Breaks text at spaces into lines of at most `length` characters. If there is more text than fits,
 * the last line ends in "…".
 */
export function captionLines(text: string, length: number): string[] {
  const lines: string[] = [];
  let rest = [...text.replace(/\s+/g, ' ').trim()];
  while (rest.length > 0 && lines.length < LINES) {
    const space = rest.length <= length ? rest.length : rest.lastIndexOf(' ', length);
    const end = space > 0 ? space : length;
    lines.push(rest.slice(0, end).join(''));
    rest = rest.slice(rest[end] === ' ' ? end + 1 : end);
  }
  if (rest.length > 0) lines.push(`${[...(lines.pop() ?? '')].slice(0, length - 1).join('')}…`);
  return lines;
}

/**
 * Puts pictures of one size onto one sheet, row by row, each with its caption below. Captions have
 * black sans letters on white, in two lines at most. The available letters depend on the fonts of
 * this machine.
 */
export async function captionedSheet(
  pictures: readonly Raster[],
  captions: readonly string[],
  columns: number,
): Promise<Raster> {
  const [{ width, height }] = pictures as [Raster];
  const letter = Math.max(LEAST_LETTER, Math.round(width * LETTER_SHARE));
  const strip = Math.ceil(letter * (1.25 * LINES + 0.5));
  const length = Math.max(4, Math.floor(width / (letter * LETTER_WIDTH)));
  const cells = await Promise.all(
    pictures.map(async ({ data, channels }, i) => {
      const lines = captionLines(captions[i] ?? '', length);
      const spans = lines.map(
        (line, l) =>
          `<text x="50%" y="${height + letter * (1.15 + 1.25 * l)}" text-anchor="middle">${escapeXml(line)}</text>`,
      );
      const text = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height + strip}" font-family="sans-serif" font-size="${letter}">${spans.join('')}</svg>`;
      const { data: drawn } = await sharp(data, { raw: { width, height, channels: channels as 1 | 3 } })
        .extend({ bottom: strip, background: 'white' })
        .composite([{ input: Buffer.from(text) }])
        .removeAlpha()
        .toColourspace('srgb')
        .raw()
        .toBuffer({ resolveWithObject: true });
      return { data: new Uint8Array(drawn), width, height: height + strip, channels: 3 as const };
    }),
  );
  return pictureGrid(cells, columns, Math.max(1, Math.round(width / 32)));
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
