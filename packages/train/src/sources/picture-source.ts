import { isUtf8 } from 'node:buffer';
import { extname } from 'node:path';
import { DataError } from '@easel/core';
import { foreignKindOf } from './foreign-file.js';
import type { LeftOut, LeftOutKind } from './left-out.js';

/** Why a picture is passed over, in the words of reports and logs. */
export type FailureKind =
  /** There is no picture, though a list names it or a sample has its caption. */
  | 'missing'
  /** The file system or the archive refuses to give its bytes. */
  | 'unreadable'
  /** Its bytes are no picture, or they are a broken one. */
  | 'undecodable'
  /** Its shorter side has fewer pixels than asked for. */
  | 'too small'
  /** One of its sides is longer, in proportion to the other, than is allowed. */
  | 'aspect'
  | 'no caption'
  /** Its caption isn't UTF-8 text, or isn't the JSON that its name promises. */
  | 'broken caption'
  /** Its ending is that of a format that can't be read here, such as .bmp. */
  | 'other format'
  /** It is a FIFO, socket, device or, in an archive, a link. */
  | 'no file'
  /**
   * Its archive holds files of its name more than once, and nothing tells which belong together.
   */
  | 'ambiguous'
  /** It stands for all that a damaged archive would have held after its damage, and counts once. */
  | 'damaged archive';

/** One picture can't be used. It is counted, logged and passed over, and the others go on. */
export class PictureError extends DataError {
  readonly kind: FailureKind;

  constructor(kind: FailureKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** A picture that was passed over, and why. */
export interface SkippedPicture {
  readonly file: string;
  readonly kind: FailureKind | LeftOutKind;
  readonly reason: string;
  /** Number of pictures that it stands for, if they are not named one by one. */
  readonly count?: number;
  /** Number of captions that were lost with it, if it had any. */
  readonly captions?: number;
}

/**
 * A picture and all its captions. `file` is its name in reports and encoded sets. The name is
 * relative and has '/' between folders.
 */
export interface CaptionedPicture {
  readonly file: string;
  /** Path of its file, or another description of its place, for messages. */
  readonly path: string;
  /** Empty if the picture has no captions or the reader didn't ask for them. */
  readonly captions: readonly string[];
  /** A fault that is known before the picture's bytes are read. */
  readonly problem?: PictureError | undefined;
  /**
   * Returns the content of the picture's file. Throws PictureError if the content can't be read.
   * Throws DataError if its archive has gone, since all later pictures would be lost too.
   */
  bytes(): Promise<Uint8Array>;
  /**
   * Returns a mark that is another one whenever the content may be another one: a file's length and
   * times. It costs no reading. Undefined if there is no file, and missing where the source has none.
   */
  readonly stamp?: () => Promise<string | undefined>;
}

/** Which pictures of a source are read, and which parts of them. */
export interface ReadRange {
  /** The first picture, counted from 0, and the picture before which reading stops. */
  readonly from?: number;
  readonly to?: number;
  /** Whether captions are wanted. Each may cost the reading of a file. Default: yes. */
  readonly captions?: boolean;
  /** Whether `bytes` will be called. Default: yes. */
  readonly pictures?: boolean;
}

/**
 * A sequence of pictures with captions in a fixed order. It can be read from any place on, as often
 * as wanted. Memory holds only the place of one picture in a thousand.
 */
export interface PictureSource {
  /** The folder, list or archives, for messages. */
  readonly description: string;
  /**
   * Number of pictures. Those that will turn out to be broken or to have no caption are included.
   */
  readonly length: number;
  /**
   * SHA-256 of the pictures' names. A list adds its captions, and archives add their sizes. Two
   * sources with the same digest hold the same pictures in the same order.
   */
  readonly digest: string;
  /** Entries of the source that are neither a picture nor a caption of one. */
  readonly leftOut: readonly LeftOut[];
  read(range?: ReadRange): AsyncGenerator<CaptionedPicture>;
  /** Removes the source's temporary files. */
  close(): Promise<void>;
}

/**
 * Which lines of a picture's .txt are captions: the first line that isn't empty, or all such lines.
 */
export type CaptionLines = 'first' | 'all';

/** How a source is opened. */
export interface OpenSourceOptions {
  /** Whether a source without any caption is refused. Default: yes. */
  readonly captions?: boolean | undefined;
  /** Default: all. */
  readonly captionLines?: CaptionLines | undefined;
  /** Reports now and then the number of pictures found so far, while a source is looked through. */
  readonly onFound?: ((pictures: number) => void) | undefined;
}

/**
 * Number of pictures at the front of a source that are looked at. They tell a source without
 * captions, or in the wrong folder, from one with a few holes.
 */
export const PICTURES_LOOKED_AT = 1000;

/** `onFound` is called once in so many pictures. */
export const FOUND_EVERY = 1 << 14;

/** Endings of the picture files that are looked for. */
export const PICTURE_EXTENSIONS = new Set([
  '.png',
  '.jpg',
  '.jpeg',
  '.webp',
  '.gif',
  '.avif',
  '.tif',
  '.tiff',
  '.svg',
  '.jfif',
  '.jpe',
]);

/**
 * Endings of picture files that can't be read here. Such files are counted, so that the user learns
 * of them.
 */
export const OTHER_PICTURE_EXTENSIONS = new Set([
  '.bmp',
  '.heic',
  '.heif',
  '.ico',
  '.jp2',
  '.jxl',
  '.pbm',
  '.pgm',
  '.pnm',
  '.ppm',
  '.psd',
  '.tga',
]);

/** Endings that mark a name as that of a picture. */
export const NAMED_EXTENSIONS = new Set([...PICTURE_EXTENSIONS, ...OTHER_PICTURE_EXTENSIONS]);

/** Returns the ending of a name in lower case, in the form of PICTURE_EXTENSIONS. */
export function pictureExtension(name: string): string {
  return extname(name).toLowerCase();
}

/** Names of the caption lists that are looked for in a folder, in this order. */
export const LIST_NAMES: readonly string[] = [
  'captions.jsonl',
  'captions.csv',
  'captions.tsv',
  'metadata.jsonl',
  'metadata.csv',
];

/**
 * Returns the captions in a text file: all its lines that aren't empty, or the first of them.
 * Throws PictureError that begins with `where` if the text isn't UTF-8.
 */
export function captionLines(bytes: Uint8Array, where: string, lines: CaptionLines = 'all'): string[] {
  const foreign = foreignKindOf(bytes);
  if (foreign !== undefined || !isUtf8(bytes))
    throw new PictureError(
      'broken caption',
      `${where}: ${foreign ?? "it isn't UTF-8 text. Save it as UTF-8 and try again"}.`,
    );
  const captions = new TextDecoder() // drops a BOM
    .decode(bytes)
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return lines === 'all' ? captions : captions.slice(0, 1);
}

/** Returns the error of a picture whose ending is that of a format that can't be read here. */
export function otherFormat(name: string, where: string): PictureError | undefined {
  const extension = pictureExtension(name);
  if (!OTHER_PICTURE_EXTENSIONS.has(extension)) return undefined;
  return new PictureError(
    'other format',
    `${where}: ${extension} files can't be read. Save it as one of ${[...PICTURE_EXTENSIONS].join(' ')}.`,
  );
}

/** Whether `good` holds for one of a source's first pictures. */
export async function anyOfTheFirst(
  source: PictureSource,
  good: (picture: CaptionedPicture) => boolean | Promise<boolean>,
): Promise<boolean> {
  for await (const picture of source.read({ to: Math.min(source.length, PICTURES_LOOKED_AT) }))
    if (await good(picture)) return true;
  return false;
}
