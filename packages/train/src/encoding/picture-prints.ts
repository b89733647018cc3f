import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { DataError } from '@easel/core';
import { picturesPath } from '../encoded/manifest.js';
import { readShard } from '../encoded/shards.js';
import type { CaptionedPicture } from '../sources/picture-source.js';

/** What a picture was when it was encoded, by which a later look tells whether it is the same. */
export interface PicturePrint {
  readonly file: string;
  /** Digest of its content. Null: it had none that could be read. Undefined: it is not known. */
  readonly content: string | null | undefined;
  /** See `CaptionedPicture.stamp`. */
  readonly stamp: string | null;
  /** Digest of its captions. */
  readonly captions: string;
}

/** Returns the digest of a picture's content, for a print. */
export function contentDigest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 32);
}

/** Returns the digest of a picture's captions, for a print. */
export function captionsDigest(captions: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(captions)).digest('hex').slice(0, 32);
}

/** Whether a picture's content is still that of its print. It is read only if its stamp is another. */
export async function isSameContent(picture: CaptionedPicture, print: PicturePrint): Promise<boolean> {
  if (print.content === undefined) return true; // a set of an older form, which knows only names
  if (picture.problem !== undefined) return print.content === null;
  const stamp = await picture.stamp?.();
  if (stamp !== undefined && stamp === print.stamp) return true;
  const bytes = await picture.bytes().catch((error) => {
    if (error instanceof DataError) return null;
    throw error;
  });
  return (bytes === null ? null : contentDigest(bytes)) === print.content;
}

/** Returns prints in the form of a file: a line each. */
export function printLines(prints: readonly PicturePrint[]): string {
  return prints
    .map(({ file, content, stamp, captions }) => `${JSON.stringify([file, content, stamp, captions])}\n`)
    .join('');
}

/**
 * Reads the prints of a shard's pictures. A shard of an older form has none: its rows then tell the
 * names and captions of its pictures.
 */
export async function readPrints(folder: string, shard: string, path: string): Promise<PicturePrint[]> {
  const text = await readFile(picturesPath(folder, shard), 'utf8').catch(() => undefined);
  if (text !== undefined)
    try {
      return text
        .trim()
        .split('\n')
        .map((line) => {
          const [file, content, stamp, captions] = JSON.parse(line);
          return { file, content, stamp, captions };
        });
    } catch {} // damaged: as if it were not there
  const captionsOf = new Map<string, string[]>();
  for await (const { source, caption } of readShard(path))
    captionsOf.set(String(source), [...(captionsOf.get(String(source)) ?? []), String(caption)]);
  return [...captionsOf].map(([file, captions]) => ({
    file,
    content: undefined,
    stamp: null,
    captions: captionsDigest(captions),
  }));
}
