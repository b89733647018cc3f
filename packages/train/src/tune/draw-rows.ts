import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { eventLoopTurn } from '@easel/core/internals';
import { writeFileAtomic } from '@easel/core/internals/node';
import { encodePng } from '@easel/draw';
import { drawTokens, type Vqgan } from '@easel/vqgan';
import type { EncodedSet } from '../encoded/encoded-set.js';

/** Rows that are drawn at a time. */
const AT_ONCE = 16;

/** Draws the tokens of a set's rows as the pictures 00000.png, 00001.png … of a folder. */
export async function drawRows(
  vqgan: Vqgan,
  { captions, encodings, imageLength }: EncodedSet,
  folder: string,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const rows = captions.map((_, row) => encodings.subarray(row * imageLength, (row + 1) * imageLength));
  for (let from = 0; from < rows.length; from += AT_ONCE) {
    for (const [i, picture] of (await drawTokens(vqgan, rows.slice(from, from + AT_ONCE))).entries()) {
      const name = `${String(from + i).padStart(5, '0')}.png`;
      await writeFileAtomic(join(folder, name), await encodePng(picture));
    }
    await eventLoopTurn();
  }
}
