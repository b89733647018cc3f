import type { Raster } from '@easel/core';
import sharp from 'sharp';

/**
 * A PNG file's bytes: the picture without loss, of one channel (grey), three (RGB) or four (with
 * alpha).
 */
export function encodePng({ data, width, height, channels }: Raster): Promise<Uint8Array> {
  return sharp(data, { raw: { width, height, channels: channels as 1 | 3 | 4 } })
    .png()
    .toBuffer();
}
