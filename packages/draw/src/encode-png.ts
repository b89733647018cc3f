import type { Raster } from '@easel/core';
import sharp from 'sharp';

/**
 * Encodes a picture as the bytes of a PNG file, without loss. It may have one channel (grey), three
 * (RGB) or four (with alpha).
 */
export function encodePng({ data, width, height, channels }: Raster): Promise<Uint8Array> {
  return sharp(data, { raw: { width, height, channels: channels as 1 | 3 | 4 } })
    .png()
    .toBuffer();
}
