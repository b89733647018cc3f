import { ShapeError } from '../errors.js';

/**
 * A picture in memory: numbers [height, width, channels], row by row. Bytes are 0–255. Whoever
 * makes a picture of floats says what range they have.
 */
export interface Raster<A extends Uint8Array | Float32Array = Uint8Array> {
  readonly data: A;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/** Height and width in pixels. */
export interface PictureSize {
  readonly height: number;
  readonly width: number;
}

/**
 * Pictures that lie behind one another in `data`, uint8 [n, height, width, channels], as n pictures
 * that share its memory. Throws ShapeError if `data` doesn't hold whole pictures.
 */
export function splitPictures(data: Uint8Array, size: PictureSize, channels = 3): Raster[] {
  checkSize(size, 'splitPictures');
  const length = size.height * size.width * channels;
  if (data.length % length !== 0) {
    throw new ShapeError(
      `splitPictures: expected whole pictures of ${length} numbers each (${size.height}×${size.width}×${channels}), got ${data.length} numbers.`,
    );
  }
  return Array.from({ length: data.length / length }, (_, i) => ({
    data: data.subarray(i * length, (i + 1) * length),
    width: size.width,
    height: size.height,
    channels,
  }));
}

/**
 * Throws ShapeError, which `where` begins, if a picture is empty or its data does not have the
 * length that its sides say.
 */
export function checkRaster(picture: Raster<Uint8Array | Float32Array>, where: string): void {
  const { data, width, height, channels } = picture;
  const whole = [width, height, channels].every((side) => Number.isInteger(side) && side >= 1);
  if (!whole || data.length !== width * height * channels) {
    throw new ShapeError(
      `${where}: expected a picture with at least one pixel and height·width·channels numbers, got ${height}×${width}×${channels} and ${data.length} numbers.`,
    );
  }
}

/** Throws ShapeError, which `where` begins, unless both sizes are whole numbers from 1. */
export function checkSize({ height, width }: PictureSize, where: string): void {
  if ([height, width].every((side) => Number.isInteger(side) && side >= 1)) return;
  throw new ShapeError(
    `${where}: expected height and width to be whole numbers from 1, got ${height}×${width}.`,
  );
}
