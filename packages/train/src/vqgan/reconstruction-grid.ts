import { pictureGrid, type Raster } from '@easel/core';

/** Pictures above their reconstructions, as many of each, in rows of up to `columns` pairs. */
export function reconstructionGrid(
  originals: readonly Raster[],
  reconstructions: readonly Raster[],
  columns = 16,
): Raster {
  const across = Math.min(columns, originals.length);
  const places: (Raster | undefined)[] = [];
  for (let start = 0; start < originals.length; start += across)
    for (const pictures of [originals, reconstructions])
      for (let i = start; i < start + across; i++) places.push(pictures[i]);
  return pictureGrid(places, across);
}
