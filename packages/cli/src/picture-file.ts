import { join } from 'node:path';
import { writeFileAtomic } from '@easel/core/node';
import sharp from 'sharp';
import { addPngText } from './png-text.js';

/** A picture's pixels: uint8 [height, width, 3]. */
export interface Pixels {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

const slugLength = 60;

/** A prompt as a part of a file name: lower-case letters and digits of any script, joined by hyphens; `picture` if there is none. */
export function slug(prompt: string): string {
  const words =
    prompt
      .normalize('NFC')
      .toLowerCase()
      .match(/[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu) ?? [];
  const text = [...words.join('-')].slice(0, slugLength).join('').replace(/-$/, '');
  return text === '' ? 'picture' : text;
}

/** Writes a PNG file atomically, with text entries if given, and returns its path. */
export async function writePicture(
  folder: string,
  name: string,
  { data, width, height }: Pixels,
  texts: ReadonlyMap<string, string> = new Map(),
): Promise<string> {
  const png = await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  const path = join(folder, `${name}.png`);
  await writeFileAtomic(path, addPngText(png, texts));
  return path;
}

/** Pictures of one size as one sheet, row by row, with a white gap of a thirty-second of a picture's width. Pixels outside the last row stay white. */
export function sheetOf(pictures: readonly Pixels[], columns: number): Pixels {
  const [first] = pictures;
  if (first === undefined) return { data: new Uint8Array(0), width: 0, height: 0 };
  const gap = Math.max(1, Math.round(first.width / 32));
  const rows = Math.ceil(pictures.length / columns);
  const width = columns * first.width + (columns - 1) * gap;
  const height = rows * first.height + (rows - 1) * gap;
  const data = new Uint8Array(width * height * 3).fill(255);
  for (const [i, picture] of pictures.entries()) {
    const left = (i % columns) * (first.width + gap);
    const top = Math.floor(i / columns) * (first.height + gap);
    for (let y = 0; y < picture.height; y++) {
      const row = picture.data.subarray(y * picture.width * 3, (y + 1) * picture.width * 3);
      data.set(row, ((top + y) * width + left) * 3);
    }
  }
  return { data, width, height };
}
