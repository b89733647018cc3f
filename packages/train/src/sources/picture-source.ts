import { isUtf8 } from 'node:buffer';
import { extname } from 'node:path';
import { DataError } from '@easel/core';
import { foreignKindOf } from './foreign-file.js';
import type { LeftOut, LeftOutKind } from './left-out.js';

/** Why a picture is passed over, in the words of reports and logs. */
export type FailureKind =
  /** A list names it, or a sample has its caption, but there is no picture. */
  | 'missing'
  /** The file system or the archive doesn't give its bytes. */
  | 'unreadable'
  /** Its bytes are no picture, or a broken one. */
  | 'undecodable'
  /** Its shorter side has fewer pixels than asked for. */
  | 'too small'
  /** It is longer or wider than asked for. */
  | 'aspect'
  | 'no caption'
  /** Its caption isn't UTF-8 text, or isn't the JSON that its name promises. */
  | 'broken caption'
  /** Its ending is that of a picture file that can't be read here, as .bmp. */
  | 'other format'
  /** It is a FIFO, socket, device or, in an archive, a link. */
  | 'no file'
  /**
   * Its archive holds files of its name more than once, and which belong together can't be told.
   */
  | 'ambiguous'
  /** What a damaged archive would have held after its damage; counts once. */
  | 'damaged archive';

/**
 * Something wrong with one picture: it is counted, logged and passed over, and the others go on.
 */
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
  /** How many it stands for, if they are not named one by one. */
  readonly count?: number;
  /** How many captions were lost with it, if it had any. */
  readonly captions?: number;
}

/**
 * A picture and all its captions. `file` is its name in reports and encoded sets: relative, with
 * '/' between folders.
 */
export interface CaptionedPicture {
  readonly file: string;
  /** Its file, or where else it is, for messages. */
  readonly path: string;
  /** Empty if it has none or they weren't asked for. */
  readonly captions: readonly string[];
  /** What is known to be wrong with it before its bytes are read. */
  readonly problem?: PictureError | undefined;
  /**
   * The content of its file. Throws PictureError if that can't be had, DataError if the archive it
   * is in has gone: what comes after it would be lost too.
   */
  bytes(): Promise<Uint8Array>;
}

/** Which of a source's pictures are read, and what of them. */
export interface ReadRange {
  /** The first, counted from 0; and the one before which to stop. */
  readonly from?: number;
  readonly to?: number;
  /** Whether captions are wanted; reading them may cost a file each. Default: yes. */
  readonly captions?: boolean;
  /** Whether `bytes` will be called. Default: yes. */
  readonly pictures?: boolean;
}

/**
 * Where pictures and captions come from: a sequence in a fixed order that is read from any place
 * on, as often as wanted. Memory doesn't grow with it but for a place in every thousand.
 */
export interface PictureSource {
  /** The folder, list or archives, for messages. */
  readonly description: string;
  /** Number of pictures, those that will turn out to have no caption or to be broken included. */
  readonly length: number;
  /**
   * SHA-256 of names and, where they are in lists or archives, sizes: two sources with the same one
   * hold the same pictures in the same order.
   */
  readonly digest: string;
  /** What lies in the source and is neither a picture nor a caption of one of its pictures. */
  readonly leftOut: readonly LeftOut[];
  read(range?: ReadRange): AsyncGenerator<CaptionedPicture>;
  /** Gives back temporary files. */
  close(): Promise<void>;
}

/** Which lines of a picture's .txt are captions: the first that isn't empty, or all of these. */
export type CaptionLines = 'first' | 'all';

/** How a source is opened. */
export interface OpenSourceOptions {
  /** Whether a source without any caption is refused. Default: yes. */
  readonly captions?: boolean | undefined;
  /** Default: all. */
  readonly captionLines?: CaptionLines | undefined;
  /** Called now and then with the pictures found so far, while a source is looked through. */
  readonly onFound?: ((pictures: number) => void) | undefined;
}

/**
 * So many pictures at the front of a source are looked at to tell one without captions, or in the
 * wrong folder, from one with a few holes.
 */
export const PICTURES_LOOKED_AT = 1000;

/** Calls of `onFound`: one in so many pictures. */
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
 * Endings of picture files that can't be read here; they are counted, so that nobody misses them in
 * vain.
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

/** Endings by which a name is known to be that of a picture. */
export const NAMED_EXTENSIONS = new Set([...PICTURE_EXTENSIONS, ...OTHER_PICTURE_EXTENSIONS]);

/** The ending of a name in lower case, as in PICTURE_EXTENSIONS. */
export function pictureExtension(name: string): string {
  return extname(name).toLowerCase();
}

/**
 * Names of the caption lists that are found in a folder by themselves, the first that is there
 * first.
 */
export const LIST_NAMES: readonly string[] = [
  'captions.jsonl',
  'captions.csv',
  'captions.tsv',
  'metadata.jsonl',
  'metadata.csv',
];

/**
 * The captions in a text file: its lines but for empty ones, or the first of these. Throws
 * PictureError that begins with `where` if it isn't UTF-8.
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

/** What is wrong with a picture whose ending is that of a format that can't be read here. */
export function otherFormat(name: string, where: string): PictureError | undefined {
  const extension = pictureExtension(name);
  if (!OTHER_PICTURE_EXTENSIONS.has(extension)) return undefined;
  return new PictureError(
    'other format',
    `${where}: ${extension} files can't be read. Save it as one of ${[...PICTURE_EXTENSIONS].join(' ')}.`,
  );
}

/** Whether one of a source's first pictures has what `good` asks for. */
export async function anyOfTheFirst(
  source: PictureSource,
  good: (picture: CaptionedPicture) => boolean | Promise<boolean>,
): Promise<boolean> {
  for await (const picture of source.read({ to: Math.min(source.length, PICTURES_LOOKED_AT) }))
    if (await good(picture)) return true;
  return false;
}
