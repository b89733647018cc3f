import { DataError, type Raster } from '@easel/core';
import { joined, pngChunk, pngFile } from './png-chunks.js';

/** Colour types of the header, by the number of channels: grey, RGB, RGB with alpha. */
const COLOUR_TYPES: Readonly<Record<number, number>> = { 1: 0, 3: 2, 4: 6 };

/**
 * Encodes a picture as the bytes of a PNG file, without loss, in Node and in browsers. It may have
 * one channel (grey), three (RGB) or four (with alpha), each a byte.
 *
 * Each line is written by the filter with the least sum of absolute differences, as libpng does
 * (PNG specification, third edition, 12.7). Throws DataError for another number of channels.
 */
export async function encodePng({ data, width, height, channels }: Raster): Promise<Uint8Array<ArrayBuffer>> {
  const colour = COLOUR_TYPES[channels];
  if (colour === undefined)
    throw new DataError(`PNG: expected a picture of 1, 3 or 4 channels, got ${channels}.`);
  const header = new Uint8Array(13); // width, height, 8 bits, colour type, methods 0, no interlace
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, colour], 8);
  const lines = filtered(data as Uint8Array, height, width * channels, channels);
  return pngFile([
    pngChunk('IHDR', header),
    pngChunk('IDAT', await deflated(lines)),
    pngChunk('IEND', new Uint8Array()),
  ]);
}

/** The bytes of a zlib stream. */
async function deflated(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new CompressionStream('deflate');
  const writer = stream.writable.getWriter();
  const written = writer.write(bytes).then(() => writer.close());
  const parts: Uint8Array[] = [];
  const reader = stream.readable.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) parts.push(part.value);
  await written;
  return joined(parts);
}

/** Each line of `length` bytes behind the number of its filter. step: bytes of a pixel. */
function filtered(data: Uint8Array, lines: number, length: number, step: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(lines * (length + 1));
  const tries = filters.map(() => new Uint8Array(length));
  const none = new Uint8Array(length);
  for (let y = 0; y < lines; y++) {
    const line = data.subarray(y * length, (y + 1) * length);
    const above = y === 0 ? none : data.subarray((y - 1) * length, y * length);
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (const [number, filter] of filters.entries()) {
      const sum = filter(line, above, step, tries[number] as Uint8Array);
      if (sum >= least) continue;
      [best, least] = [number, sum];
    }
    out[y * (length + 1)] = best;
    out.set(tries[best] as Uint8Array, y * (length + 1) + 1);
  }
  return out;
}

/** Writes a line into `out` as differences; returns the sum of their magnitudes as signed bytes. */
type Filter = (line: Uint8Array, above: Uint8Array, step: number, out: Uint8Array) => number;

/** The filters by their numbers: None, Sub, Up, Average, Paeth. */
const filters: readonly Filter[] = [
  filterOf(() => 0),
  filterOf((left) => left),
  filterOf((_, up) => up),
  filterOf((left, up) => (left + up) >> 1),
  filterOf(paeth),
];

function filterOf(predict: (left: number, up: number, corner: number) => number): Filter {
  return (line, above, step, out) => {
    let sum = 0;
    for (let i = 0; i < line.length; i++) {
      const left = i < step ? 0 : (line[i - step] as number);
      const corner = i < step ? 0 : (above[i - step] as number);
      const difference = ((line[i] as number) - predict(left, above[i] as number, corner)) & 0xff;
      out[i] = difference;
      sum += difference < 128 ? difference : 256 - difference;
    }
    return sum;
  };
}

/** The neighbour that is nearest to left + up − corner. */
function paeth(left: number, up: number, corner: number): number {
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}
