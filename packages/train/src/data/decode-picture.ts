import { DataError, type Raster } from '@easel/core';
import sharp from 'sharp';
import {
  ORIGINAL_PREPARATIONS,
  type OriginalPreparation,
  prepareAsOriginal,
} from './original-preparation.js';

/** How a picture becomes a square of pixels. */
export interface PictureShape {
  /** Side of the square in pixels. */
  readonly size: number;
  /**
   * 'cover': the centre square of the picture; 'contain': the whole picture, with background beside it; or the centre square exactly as
   * an original program cut it, for tokens equal to its own: alpha is dropped then, and EXIF orientation is not looked at.
   */
  readonly fit: 'cover' | 'contain' | OriginalPreparation;
  /** CSS colour under transparent pixels and beside a contained picture. */
  readonly background: string;
}

/** What `decodePicture` does where nothing else is said. */
export const defaultPictureShape: Omit<PictureShape, 'size'> = { fit: 'cover', background: '#ffffff' };

/**
 * A picture file's pixels: uint8 [size, size, 3], sRGB, row by row. With `content`, those of these bytes, and `path` is their name.
 *
 * With 'cover' and 'contain', in this order: EXIF orientation, alpha over the background, Lanczos-3 to the size; of an animation the first frame.
 * Throws DataError, naming the file, for what can't be decoded, a truncated file included.
 */
export async function decodePicture(
  path: string,
  shape: PictureShape,
  content?: Uint8Array,
): Promise<Uint8Array> {
  const { size, fit, background } = shape;
  if (isOriginal(fit)) return prepareAsOriginal(await readRgb(path, content), size, fit).data;
  try {
    const { data, info } = await sharp(content ?? path, { failOn: 'error' })
      .rotate()
      .resize(size, size, { fit, position: 'centre', kernel: 'lanczos3', background })
      .flatten({ background })
      .removeAlpha() // flatten alone leaves a fourth channel on WebP
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3 || data.length !== size * size * 3)
      throw new Error(`decoded to ${info.width}×${info.height}×${info.channels}`);
    return data;
  } catch (error) {
    throw undecodable(path, error);
  }
}

function isOriginal(fit: PictureShape['fit']): fit is OriginalPreparation {
  return (ORIGINAL_PREPARATIONS as readonly string[]).includes(fit);
}

/**
 * The RGB bytes of a picture file as they are stored: alpha dropped and not blended, neither EXIF orientation nor colour profiles looked at;
 * grey and palettes become RGB. That is Pillow's `convert("RGB")`, which the original programs use.
 * Throws DataError, naming the file, for what can't be decoded.
 */
export async function readRgb(path: string, content?: Uint8Array): Promise<Raster> {
  try {
    const { data, info } = await sharp(content ?? path, { failOn: 'error', ignoreIcc: true })
      .removeAlpha()
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`decoded to ${info.channels} channels`);
    return { data, width: info.width, height: info.height, channels: 3 };
  } catch (error) {
    throw undecodable(path, error);
  }
}

function undecodable(path: string, error: unknown): DataError {
  return new DataError(`Picture ${path}: can't be decoded (${(error as Error).message.split('\n')[0]}).`);
}

/** A picture that was passed over, and why. */
export interface SkippedPicture {
  readonly file: string;
  readonly reason: string;
}

/**
 * Decodes pictures a batch at a time, the next batch while the caller works on this one. Pictures that can't be decoded
 * are handed to `onSkip` and left out, so a batch may be smaller; one with no pictures at all is still yielded.
 * `pixels`: uint8 [pictures.length, size, size, 3].
 */
export async function* decodeBatches<
  P extends { readonly file: string; readonly path: string; readonly bytes?: () => Promise<Uint8Array> },
>(
  pictures: readonly P[],
  batchSize: number,
  shape: PictureShape,
  onSkip: (skipped: SkippedPicture) => void,
): AsyncGenerator<{ pictures: P[]; pixels: Uint8Array }> {
  const pictureBytes = shape.size * shape.size * 3;
  const load = async (start: number) => {
    const wanted = pictures.slice(start, start + batchSize);
    const decoded = await Promise.all(
      wanted.map(async (picture) => {
        try {
          return await decodePicture(picture.path, shape, await picture.bytes?.());
        } catch (error) {
          return error as Error;
        }
      }),
    );
    const kept: P[] = [];
    const pixels = new Uint8Array(wanted.length * pictureBytes);
    for (const [i, result] of decoded.entries()) {
      const picture = wanted[i] as P;
      if (result instanceof Uint8Array) {
        pixels.set(result, kept.length * pictureBytes);
        kept.push(picture);
      } else if (result instanceof DataError) onSkip({ file: picture.file, reason: result.message });
      else throw result;
    }
    return { pictures: kept, pixels: pixels.subarray(0, kept.length * pictureBytes) };
  };
  let next = load(0);
  for (let start = 0; start < pictures.length; start += batchSize) {
    const batch = await next;
    if (start + batchSize < pictures.length) next = load(start + batchSize);
    next.catch(() => {}); // reported when awaited; not as unhandled if the caller stops before
    yield batch;
  }
}
