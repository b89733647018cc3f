import sharp from 'sharp';
import type { Grid } from './run-folder.js';

/** Pictures side by side, in rows of `columns`. `pictures`: uint8 [n, size, size, 3]. */
export function pictureGrid(pictures: Uint8Array, size: number, columns = 16): Promise<Grid> {
  return gridOf([pictures], size, columns);
}

/**
 * Pictures above their reconstructions, in rows of `columns` pairs.
 * `originals`, `reconstructions`: uint8 [n, size, size, 3].
 */
export function reconstructionGrid(
  originals: Uint8Array,
  reconstructions: Uint8Array,
  size: number,
  columns = 16,
): Promise<Grid> {
  return gridOf([originals, reconstructions], size, columns);
}

/** Several lists of as many pictures, picture i of each under that of the one before. */
async function gridOf(lists: readonly Uint8Array[], size: number, columns: number): Promise<Grid> {
  const pictureBytes = size * size * 3;
  const count = (lists[0]?.length ?? 0) / pictureBytes;
  const across = Math.min(columns, count);
  const bands = Math.ceil(count / across);
  const width = across * size;
  const height = bands * lists.length * size;
  const grid = new Uint8Array(width * height * 3).fill(255);
  for (const [offset, pictures] of lists.entries())
    for (let i = 0; i < count; i++) {
      const top = (lists.length * Math.floor(i / across) + offset) * size;
      const left = (i % across) * size;
      for (let y = 0; y < size; y++) {
        const row = pictures.subarray(i * pictureBytes + y * size * 3, i * pictureBytes + (y + 1) * size * 3);
        grid.set(row, ((top + y) * width + left) * 3);
      }
    }
  const png = await sharp(grid, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  return { png, width, height };
}
