import { DataError, type Raster, toBytes } from '@easel/core';
import { splitPictures } from '@easel/core/internals';
import * as tf from '@tensorflow/tfjs';
import { downsamplingFactor, type VqganConfig } from './config.js';
import type { Vqgan } from './model.js';

/**
 * Returns the number of image codes of one picture: those of a square grid of side resolution /
 * 2^(levels − 1).
 */
export function tokensOfPicture(config: VqganConfig): number {
  return (config.resolution / downsamplingFactor(config)) ** 2;
}

/**
 * Draws the picture of each row of image codes, as bytes of three channels. All rows have one
 * length, which is a square number.
 * Throws DataError if a row is not a square grid or holds a code outside the codebook.
 */
export async function drawTokens(vqgan: Vqgan, rows: readonly ArrayLike<number>[]): Promise<Raster[]> {
  const length = rows[0]?.length ?? 0;
  if (length === 0) return [];
  const { nEmbed } = vqgan.config;
  const flat = new Int32Array(rows.length * length);
  for (const [r, row] of rows.entries()) {
    if (row.length !== length || !Number.isInteger(Math.sqrt(length))) {
      throw new DataError(
        `Image codes: expected rows of one square length, e.g. ${tokensOfPicture(vqgan.config)}; row ${r} has ${row.length}.`,
      );
    }
    for (let i = 0; i < length; i++) {
      const code = row[i] ?? -1;
      if (!Number.isInteger(code) || code < 0 || code >= nEmbed) {
        throw new DataError(
          `Image codes: row ${r} holds ${code} at place ${i}; the codebook has the codes 0 to ${nEmbed - 1}. Were the codes made by another VQGAN?`,
        );
      }
      flat[r * length + i] = code;
    }
  }
  const pictures = tf.tidy(() => vqgan.decodeCode(tf.tensor2d(flat, [rows.length, length], 'int32'))); // [B, H, W, 3]
  try {
    const bytes = toBytes((await pictures.data()) as Float32Array);
    const [, height, width] = pictures.shape;
    return splitPictures(bytes, { height, width });
  } finally {
    pictures.dispose();
  }
}
