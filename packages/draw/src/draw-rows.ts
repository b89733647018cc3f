import type { Raster } from '@easel/core';
import { drawTokens, type Vqgan } from '@easel/vqgan';

/**
 * Draws the picture of each row of ids. A row that has an id without a code gives a black picture.
 * width: ids in a line of the grid (default: the grid is square).
 */
export async function drawRows(vqgan: Vqgan, rows: readonly Int32Array[], width?: number): Promise<Raster[]> {
  const { nEmbed } = vqgan.config;
  const isWhole = (row: Int32Array) => row.every((id) => id < nEmbed);
  // For such rows code 0 is drawn, which gives a picture of the right size.
  const drawn = await drawTokens(
    vqgan,
    rows.map((row) => row.map((id) => (id < nEmbed ? id : 0))),
    width === undefined ? {} : { width },
  );
  return drawn.map((pixels, i) =>
    isWhole(rows[i] as Int32Array) ? pixels : { ...pixels, data: new Uint8Array(pixels.data.length) },
  );
}
