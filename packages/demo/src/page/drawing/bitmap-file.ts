import type { Raster } from '@easel/core';

/**
 * A picture as a file that an img shows, without the time that a PNG takes to encode: a BMP of 24
 * bits a pixel. pixels: bytes [height, width, 3], RGB.
 *
 * Format: BITMAPFILEHEADER and BITMAPINFOHEADER, then lines from the bottom up, BGR, each padded to
 * 4 bytes.
 */
export function bitmapFile({ data, width, height }: Raster): Uint8Array<ArrayBuffer> {
  const line = Math.ceil((width * 3) / 4) * 4;
  const bytes = new Uint8Array(HEADER_BYTES + line * height);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0x424d); // "BM"
  view.setUint32(2, bytes.length, true);
  view.setUint32(10, HEADER_BYTES, true);
  view.setUint32(14, HEADER_BYTES - 14, true);
  view.setInt32(18, width, true);
  view.setInt32(22, height, true);
  view.setUint16(26, 1, true); // planes
  view.setUint16(28, 24, true); // bits a pixel
  for (let y = 0; y < height; y++) {
    const to = HEADER_BYTES + (height - 1 - y) * line;
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * 3;
      for (let c = 0; c < 3; c++) bytes[to + x * 3 + c] = data[from + 2 - c] as number;
    }
  }
  return bytes;
}

const HEADER_BYTES = 54;
