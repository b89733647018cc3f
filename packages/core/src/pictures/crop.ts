import { ShapeError } from '../errors.js';
import { checkRaster, checkSize, type PictureSize, type Raster } from './raster.js';

/**
 * The `size` window of a picture whose upper left corner is at (top, left), which may be negative.
 * Outside of the picture it is 0, black. Throws ShapeError for an impossible size, or a place that
 * is not whole.
 */
export function crop<A extends Uint8Array | Float32Array>(
  picture: Raster<A>,
  { top, left, ...size }: PictureSize & { readonly top: number; readonly left: number },
): Raster<A> {
  checkRaster(picture, 'crop');
  checkSize(size, 'crop');
  if (!Number.isInteger(top) || !Number.isInteger(left)) {
    throw new ShapeError(`crop: expected top and left to be whole numbers, got ${top} and ${left}.`);
  }
  const { data, width, height, channels } = picture;
  const out = (data instanceof Uint8Array
    ? new Uint8Array(size.height * size.width * channels)
    : new Float32Array(size.height * size.width * channels)) as unknown as A;
  const first = Math.max(0, left);
  const end = Math.min(width, left + size.width);
  for (let y = Math.max(0, top); y < Math.min(height, top + size.height) && first < end; y++) {
    const row = data.subarray((y * width + first) * channels, (y * width + end) * channels);
    out.set(row, ((y - top) * size.width + first - left) * channels);
  }
  return { data: out, ...size, channels };
}
