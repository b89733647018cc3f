import { createHash } from 'node:crypto';
import { DataError } from '@easel/core';
import type { PictureSource, SkippedPicture } from '../sources/picture-source.js';
import type { PictureShape } from './decode-picture.js';
import { decodeBatches } from './picture-batches.js';

/** Decoded pictures in memory. */
export interface PictureCache {
  /** Side of each picture in pixels. */
  readonly size: number;
  readonly files: readonly string[];
  /** uint8 [files.length, size, size, 3]. */
  readonly pixels: Uint8Array;
  readonly skipped: readonly SkippedPicture[];
  /** SHA-256 of names and pixels. */
  readonly digest: string;
}

/** Number of pictures that are decoded at a time. */
const DECODE_AT_ONCE = 32;

/**
 * Decodes all pictures of a source once and holds their pixels. Pictures that can't be decoded are
 * listed and left out.
 *
 * Throws DataError if the pixels need more than `limitMiB`, or if no picture can be decoded. Throws
 * the signal's reason if the signal is aborted.
 */
export async function cachePictures(
  source: PictureSource,
  shape: PictureShape,
  options: {
    readonly limitMiB: number;
    readonly signal?: AbortSignal | undefined;
    readonly onProgress?: ((done: number, total: number) => void) | undefined;
  },
): Promise<PictureCache> {
  const total = source.length;
  const pictureBytes = shape.size * shape.size * 3;
  const neededMiB = Math.ceil((total * pictureBytes) / 2 ** 20);
  if (neededMiB > options.limitMiB)
    throw new DataError(
      `Pictures: ${total} of ${shape.size}×${shape.size} pixels need ${neededMiB} MiB of memory, more than the limit of ${options.limitMiB}. Raise data.memoryLimit, stream them (data.order), or train on fewer or smaller pictures.`,
    );
  const all = new Uint8Array(total * pictureBytes);
  const files: string[] = [];
  const skipped: SkippedPicture[] = [];
  let done = 0;
  const batches = decodeBatches(source.read({ captions: false }), {
    batchSize: DECODE_AT_ONCE,
    shape,
    onSkip: (skip) => skipped.push(skip),
  });
  for await (const batch of batches) {
    options.signal?.throwIfAborted();
    all.set(batch.pixels, files.length * pictureBytes);
    for (const { file } of batch.pictures) files.push(file);
    done += batch.taken;
    options.onProgress?.(done, total);
  }
  if (files.length === 0)
    throw new DataError(
      `Pictures: none of ${total} can be decoded. ${skipped[0]?.reason ?? ''} Are these picture files?`,
    );
  const pixels = all.subarray(0, files.length * pictureBytes);
  const digest = createHash('sha256')
    .update(JSON.stringify([files, shape]))
    .update(pixels)
    .digest('hex');
  return { size: shape.size, files, pixels, skipped, digest };
}

/**
 * Returns the pixels of some pictures of a cache, one after another: uint8 [rows.length, size,
 * size, 3].
 */
export function gatherPixels(cache: PictureCache, rows: ArrayLike<number>): Uint8Array {
  const pictureBytes = cache.size * cache.size * 3;
  const pixels = new Uint8Array(rows.length * pictureBytes);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as number;
    pixels.set(cache.pixels.subarray(row * pictureBytes, (row + 1) * pictureBytes), i * pictureBytes);
  }
  return pixels;
}
