import { join } from 'node:path';
import { pictureGrid, type Raster } from '@easel/core';
import { writeFileAtomic } from '@easel/core/internals/node';
import { encodePng } from '@easel/train/internals';
import { addPngText } from './png-text.js';

const SLUG_LENGTH = 60;

/** A prompt as a part of a file name: lower-case letters and digits of any script, joined by hyphens; `picture` if there is none. */
export function slug(prompt: string): string {
  const words =
    prompt
      .normalize('NFC')
      .toLowerCase()
      .match(/[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu) ?? [];
  const text = [...words.join('-')].slice(0, SLUG_LENGTH).join('').replace(/-$/, '');
  return text === '' ? 'picture' : text;
}

/** Writes a PNG file atomically, with text entries if given, and returns its path. */
export async function writePicture(
  folder: string,
  name: string,
  picture: Raster,
  texts: ReadonlyMap<string, string> = new Map(),
): Promise<string> {
  const path = join(folder, `${name}.png`);
  await writeFileAtomic(path, addPngText(await encodePng(picture), texts));
  return path;
}

/** Pictures of one size as one sheet, row by row, with a white gap of a thirty-second of a picture's width. */
export function sheetOf(pictures: readonly Raster[], columns: number): Raster {
  return pictureGrid(pictures, columns, Math.max(1, Math.round((pictures[0]?.width ?? 0) / 32)));
}
