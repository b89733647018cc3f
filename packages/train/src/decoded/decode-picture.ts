import { foldInNames, prngKey, uniform } from '@easel/core';
import sharp, { type Sharp } from 'sharp';
import {
  ORIGINAL_PREPARATIONS,
  type OriginalPreparation,
  prepareAsOriginal,
} from '../original/picture-preparation.js';
import { PictureError } from '../sources/picture-source.js';
import { readRgb } from './read-rgb.js';
import { undecodable } from './undecodable.js';

/** How a picture becomes a square of pixels, and which pictures are passed over. */
export interface PictureShape {
  /** Side of the square in pixels. */
  readonly size: number;
  /**
   * 'cover': the largest square that the picture holds. 'contain': the whole picture, with
   * background beside it. An original preparation: the centre square exactly as an original program
   * cut it, so that its tokens come out. It drops alpha and ignores EXIF orientation.
   */
  readonly fit: 'cover' | 'contain' | OriginalPreparation;
  /** With 'cover': the square in the middle, or a random one. */
  readonly crop: 'centre' | 'random';
  /** Seed of the random squares. With the same seed a picture of the same name is cut alike. */
  readonly cropSeed: number;
  /** CSS colour under transparent pixels and beside a contained picture. */
  readonly background: string;
  /** Pictures whose shorter side has fewer pixels are passed over. 0: no limit. */
  readonly minSide: number;
  /**
   * Pictures whose longer side is more than so many times the shorter one are passed over. 0: no
   * limit.
   */
  readonly maxAspect: number;
}

/** The defaults of a shape. */
export const defaultPictureShape: Omit<PictureShape, 'size'> = {
  fit: 'cover',
  crop: 'centre',
  cropSeed: 0,
  background: '#ffffff',
  minSide: 0,
  maxAspect: 0,
};

/**
 * Place of the square in the room that the picture leaves it: 0 is left or top, 1 is right or
 * bottom.
 */
export interface CropPlace {
  readonly x: number;
  readonly y: number;
}

/** Returns where a shape cuts the picture of this name. */
export function cropPlace({ fit, crop, cropSeed }: PictureShape, name: string): CropPlace | undefined {
  if (crop === 'centre' || fit !== 'cover') return undefined;
  const [x, y] = uniform(foldInNames(prngKey(cropSeed), ['crop', name]), [2]) as unknown as [number, number];
  return { x, y };
}

/**
 * Returns a picture file's pixels: uint8 [size, size, 3], sRGB, row by row. With `content` these
 * bytes are decoded, and `path` is their name. `place`: which square is cut; by default the centre
 * one.
 *
 * 'cover' and 'contain' apply EXIF orientation, lay alpha over the background, and scale with
 * Lanczos-3, in this order. An animation gives its first frame. Throws PictureError, naming the
 * file, for a picture that can't be decoded (a truncated file included), is too small or is too
 * long.
 */
export async function decodePicture(
  path: string,
  shape: PictureShape,
  content?: Uint8Array,
  place?: CropPlace,
): Promise<Uint8Array> {
  const { size, fit, background } = shape;
  if (shape.minSide > 0 || shape.maxAspect > 0) await requireProportions(path, shape, content);
  if (isOriginal(fit)) return prepareAsOriginal(await readRgb(path, content), size, fit).data;
  try {
    const picture = sharp(content ?? path, { failOn: 'error' }).rotate();
    const resized =
      place === undefined
        ? picture.resize(size, size, { fit, position: 'centre', kernel: 'lanczos3', background })
        : cutAt(picture, await sides(content ?? path), size, place);
    const { data, info } = await resized
      .flatten({ background })
      .removeAlpha() // flatten alone leaves a fourth channel on WebP
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3 || data.length !== size * size * 3)
      throw new Error(`decoded to ${info.width}×${info.height}×${info.channels}`);
    return data;
  } catch (error) {
    throw undecodable(path, error, content);
  }
}

/** Scales a picture so that its shorter side is `size`, and cuts the square at `place`. */
function cutAt(
  picture: Sharp,
  { width, height }: { width: number; height: number },
  size: number,
  { x, y }: CropPlace,
): Sharp {
  const scale = size / Math.min(width, height);
  const [w, h] = [width, height].map((side) => Math.max(size, Math.round(side * scale))) as [number, number];
  const left = Math.min(w - size, Math.floor(x * (w - size + 1)));
  const top = Math.min(h - size, Math.floor(y * (h - size + 1)));
  return picture
    .resize(w, h, { fit: 'fill', kernel: 'lanczos3' })
    .extract({ left, top, width: size, height: size });
}

/** Returns width and height of a picture as it is shown. Only its header is read. */
async function sides(source: string | Uint8Array): Promise<{ width: number; height: number }> {
  const { width, height, orientation = 1 } = await sharp(source).metadata();
  return orientation >= 5 ? { width: height, height: width } : { width, height };
}

async function requireProportions(
  path: string,
  { minSide, maxAspect }: PictureShape,
  content: Uint8Array | undefined,
): Promise<void> {
  const { width, height } = await sides(content ?? path).catch((error) => {
    throw undecodable(path, error, content);
  });
  if (Math.min(width, height) < minSide)
    throw new PictureError(
      'too small',
      `Picture ${path}: ${width}×${height} pixels, and ${minSide} is the least side.`,
    );
  if (maxAspect > 0 && Math.max(width, height) > maxAspect * Math.min(width, height))
    throw new PictureError(
      'aspect',
      `Picture ${path}: ${width}×${height} pixels, and one side may be ${maxAspect} times the other.`,
    );
}

function isOriginal(fit: PictureShape['fit']): fit is OriginalPreparation {
  return (ORIGINAL_PREPARATIONS as readonly string[]).includes(fit);
}
