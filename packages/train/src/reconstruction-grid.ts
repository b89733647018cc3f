import sharp from 'sharp';

/**
 * Writes a PNG that shows pictures above their reconstructions, in rows of `columns` pairs.
 * `originals`, `reconstructions`: uint8 [n, size, size, 3].
 */
export async function writeReconstructionGrid(
  path: string,
  originals: Uint8Array,
  reconstructions: Uint8Array,
  size: number,
  columns = 16,
): Promise<void> {
  const pictureBytes = size * size * 3;
  const count = originals.length / pictureBytes;
  const across = Math.min(columns, count);
  const bands = Math.ceil(count / across);
  const width = across * size;
  const height = bands * 2 * size;
  const grid = new Uint8Array(width * height * 3).fill(255);
  for (const [offset, pictures] of [originals, reconstructions].entries())
    for (let i = 0; i < count; i++) {
      const top = (2 * Math.floor(i / across) + offset) * size;
      const left = (i % across) * size;
      for (let y = 0; y < size; y++) {
        const row = pictures.subarray(i * pictureBytes + y * size * 3, i * pictureBytes + (y + 1) * size * 3);
        grid.set(row, ((top + y) * width + left) * 3);
      }
    }
  await sharp(grid, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(path);
}
