import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { demojize } from '@easel/bart/internals';
import { pictureGrid, type Raster } from '@easel/core';
import { writeFileAtomic } from '@easel/core/internals/node';
import { addPngText, encodePng } from '@easel/draw';
import { promptSlug } from '@easel/draw/internals';

/**
 * Turns a prompt into a part of a file name: lower-case letters and digits of any script, joined by
 * hyphens. A prompt of emoji alone gives their names. If there is neither, the result is `picture`.
 */
export function slug(prompt: string): string {
  return promptSlug(prompt) || promptSlug(demojize(prompt, ' ').replaceAll('_', ' ')) || 'picture';
}

/** Options of `writePicture`. */
export interface WritePictureOptions {
  /** Text entries of the file (default none). */
  readonly texts?: ReadonlyMap<string, string>;
  /** Whether a file with the same name is replaced (default false). */
  readonly overwrite?: boolean;
}

/**
 * Writes a PNG file atomically and returns its path. If another file has the name, a number is
 * added after a dot, `name.2.png`, unless `overwrite` is on. A file with the same content stays as
 * it is.
 */
export async function writePicture(
  folder: string,
  name: string,
  picture: Raster,
  { texts = new Map(), overwrite = false }: WritePictureOptions = {},
): Promise<string> {
  const png = addPngText(await encodePng(picture), texts);
  for (let number = 1; ; number++) {
    const path = join(folder, `${name}${number === 1 ? '' : `.${number}`}.png`);
    const there = overwrite ? undefined : await contentOf(path);
    if (there?.equals(png)) return path;
    if (there !== undefined) continue;
    await writeFileAtomic(path, png);
    return path;
  }
}

/** Reads a file. Returns undefined if there is none. */
async function contentOf(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Puts pictures of one size onto one sheet, row by row, with a white gap of a thirty-second of a
 * picture's width.
 */
export function sheetOf(pictures: readonly Raster[], columns: number): Raster {
  return pictureGrid(pictures, columns, Math.max(1, Math.round((pictures[0]?.width ?? 0) / 32)));
}
