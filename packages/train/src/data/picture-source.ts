import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { DataError } from '@easel/core';

/** A picture and all its captions. `file` is its name in reports and encoded sets: relative, with '/' between folders. */
export interface CaptionedPicture {
  readonly file: string;
  /** Its file, or where else it is, for messages. */
  readonly path: string;
  /** Reads the file's content where it is no file of its own. */
  readonly bytes?: () => Promise<Uint8Array>;
  readonly captions: readonly string[];
}

/** Where pictures and captions come from. The order is fixed: by name, or as the caption list first names them. */
export interface PictureSource {
  /** The folder or list that was read, for messages. */
  readonly description: string;
  readonly pictures: readonly CaptionedPicture[];
  /** Pictures of the folder for which no caption was found; they are left out of `pictures`. */
  readonly uncaptioned: readonly string[];
}

/** Endings of the picture files that are looked for. */
export const pictureExtensions = new Set([
  '.png',
  '.jpg',
  '.jpeg',
  '.webp',
  '.gif',
  '.avif',
  '.tif',
  '.tiff',
  '.svg',
]);

/** A digest of names and captions: two sources with the same one hold the same rows in the same order. */
export function sourceDigest(source: PictureSource): string {
  const hash = createHash('sha256');
  for (const picture of source.pictures) hash.update(JSON.stringify([picture.file, picture.captions]));
  return hash.digest('hex');
}

/** The captions in a text file: its lines but for empty ones. Throws DataError that begins with `where` if it isn't UTF-8. */
export function captionLines(bytes: Uint8Array, where: string): string[] {
  if (!isUtf8(bytes)) throw new DataError(`${where}: it isn't UTF-8 text. Save it as UTF-8 and try again.`);
  return new TextDecoder() // drops a BOM
    .decode(bytes)
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
