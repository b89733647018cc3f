import { DataError, type PictureSize, type Raster, toBytes } from '@easel/core';
import { eventLoopTurn, splitPictures } from '@easel/core/internals';
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

/** Pixels times channels of the decoder's last level that are decoded at a time, at most: 32 MiB. */
const DECODED_AT_A_TIME = 256 * 256 * 128;

/**
 * Returns the number of pictures that are decoded at a time: as many as take no more memory than one
 * of 256 × 256 pixels does in DALL·E mini's VQGAN. More at a time would be no faster.
 */
export function decodeBatchOf({ resolution, ch, chMult }: VqganConfig): number {
  const one = resolution ** 2 * ch * (chMult[0] as number);
  return Math.max(1, Math.floor(DECODED_AT_A_TIME / one));
}

/** Options of `drawTokens`. */
export interface DrawTokensOptions {
  /** Codes in a line of the grid (default: the grid is square). */
  readonly width?: number;
}

/**
 * Draws the picture of each row of image codes, as bytes of three channels. All rows have one
 * length, which fills a grid. `decodeBatchOf` says how many pictures are decoded at a time, which
 * bounds the memory; on the native backend the pixels do not depend on it. The event loop gets a
 * turn after each batch.
 *
 * Throws DataError if a row does not fill its grid or holds a code outside the codebook.
 */
export async function drawTokens(
  vqgan: Vqgan,
  rows: readonly ArrayLike<number>[],
  { width }: DrawTokensOptions = {},
): Promise<Raster[]> {
  const length = rows[0]?.length ?? 0;
  if (length === 0) return [];
  const { config } = vqgan;
  const columns = width ?? Math.sqrt(length);
  const grid = { width: columns, height: length / columns };
  for (const [r, row] of rows.entries()) {
    if (row.length !== length || !Number.isInteger(columns) || !Number.isInteger(grid.height)) {
      throw new DataError(
        width === undefined
          ? `Image codes: expected rows of one square length, e.g. ${tokensOfPicture(config)}; row ${r} has ${row.length}.`
          : `Image codes: expected rows of one length, a multiple of ${width}; row ${r} has ${row.length}.`,
      );
    }
    checkCodes(row, r, config.nEmbed);
  }
  const pictures: Raster[] = [];
  const batch = Math.max(1, Math.floor((decodeBatchOf(config) * tokensOfPicture(config)) / length));
  for (let first = 0; first < rows.length; first += batch) {
    pictures.push(...(await drawBatch(vqgan, rows.slice(first, first + batch), grid)));
    if (first + batch < rows.length) await eventLoopTurn();
  }
  return pictures;
}

/** Throws DataError for a code outside the codebook. */
function checkCodes(row: ArrayLike<number>, number: number, codes: number): void {
  for (let i = 0; i < row.length; i++) {
    const code = row[i] ?? -1;
    if (Number.isInteger(code) && code >= 0 && code < codes) continue;
    throw new DataError(
      `Image codes: row ${number} holds ${code} at place ${i}; the codebook has the codes 0 to ${codes - 1}. Were the codes made by another VQGAN?`,
    );
  }
}

async function drawBatch(
  vqgan: Vqgan,
  rows: readonly ArrayLike<number>[],
  { width, height }: PictureSize,
): Promise<Raster[]> {
  const pictures = tf.tidy(() => {
    const flat = Int32Array.from(rows.flatMap((row) => Array.from(row)));
    const codes = tf.tensor3d(flat, [rows.length, height, width], 'int32');
    return vqgan.decodeLatent(vqgan.quantizer.lookUp(codes) as tf.Tensor4D); // [B, H, W, 3]
  });
  try {
    const bytes = toBytes((await pictures.data()) as Float32Array);
    const [, pixelRows, pixelColumns] = pictures.shape;
    return splitPictures(bytes, { height: pixelRows, width: pixelColumns });
  } finally {
    pictures.dispose();
  }
}
