import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import sharp from 'sharp';
import { writeReconstructionGrid } from './reconstruction-grid.js';

test('three pictures of 2×2 in rows of two: each above its reconstruction, the empty place white', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'easel-grid-'));
  const pictures = (greys: number[]) => Uint8Array.from(greys.flatMap((grey) => Array(12).fill(grey)));
  const path = join(folder, 'grid.png');
  await writeReconstructionGrid(path, pictures([10, 20, 30]), pictures([11, 21, 31]), 2, 2);
  const { data, info } = await sharp(path).extractChannel(0).raw().toBuffer({ resolveWithObject: true });
  expect([info.width, info.height]).toEqual([4, 8]);
  const rows = Array.from({ length: 8 }, (_, y) => [...data.subarray(y * 4, y * 4 + 4)]);
  expect(rows).toEqual([
    [10, 10, 20, 20],
    [10, 10, 20, 20],
    [11, 11, 21, 21],
    [11, 11, 21, 21],
    [30, 30, 255, 255],
    [30, 30, 255, 255],
    [31, 31, 255, 255],
    [31, 31, 255, 255],
  ]);
  rmSync(folder, { recursive: true });
});
