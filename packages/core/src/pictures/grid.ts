import { ShapeError } from '../errors.js';
import { checkRaster, type Raster } from './raster.js';

/**
 * Pictures of one size side by side, in rows of `columns` from the upper left, with `gap` pixels
 * between them. What no picture covers is white, and so is the place of an `undefined`. Without any
 * picture the grid has no pixels and three channels.
 *
 * The width is columns · w + (columns − 1) · gap, however few pictures there are. The height is
 * computed likewise, with as many rows as are needed. Throws ShapeError for pictures of different
 * sizes or channels.
 */
export function pictureGrid(pictures: readonly (Raster | undefined)[], columns: number, gap = 0): Raster {
  const first = pictures.find((picture) => picture !== undefined);
  if (first === undefined) return { data: new Uint8Array(0), width: 0, height: 0, channels: 3 };
  const { channels } = first;
  const width = columns * first.width + (columns - 1) * gap;
  const rows = Math.ceil(pictures.length / columns);
  const height = rows * first.height + (rows - 1) * gap;
  const data = new Uint8Array(width * height * channels).fill(255);
  for (const [i, picture] of pictures.entries()) {
    if (picture === undefined) continue;
    requireAlike(picture, first, i);
    const left = (i % columns) * (first.width + gap);
    const top = Math.floor(i / columns) * (first.height + gap);
    const rowLength = first.width * channels;
    for (let y = 0; y < first.height; y++) {
      const row = picture.data.subarray(y * rowLength, (y + 1) * rowLength);
      data.set(row, ((top + y) * width + left) * channels);
    }
  }
  return { data, width, height, channels };
}

function requireAlike(picture: Raster, first: Raster, i: number): void {
  checkRaster(picture, `pictureGrid: picture ${i}`);
  const shape = ({ height, width, channels }: Raster) => `${height}×${width}×${channels}`;
  if (shape(picture) !== shape(first))
    throw new ShapeError(
      `pictureGrid: expected pictures of one size, ${shape(first)}, got ${shape(picture)} for picture ${i}.`,
    );
}
