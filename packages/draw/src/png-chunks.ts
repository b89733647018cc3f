import { DataError } from '@easel/core';

// The frame of a PNG file (PNG specification, third edition, 5): a signature, then chunks, each of
// length, type, data and CRC.

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** Bytes of a chunk's length, type and CRC: everything except its data. */
export const CHUNK_OVERHEAD_BYTES = 12;

/** A chunk of a PNG file. */
export interface PngChunk {
  /** Four letters. */
  readonly type: string;
  /** Where its length stands in the file. */
  readonly begin: number;
  readonly data: Uint8Array;
}

/**
 * The chunks of a PNG file, in order. Throws DataError, which names `file`, if it is no PNG file or is
 * truncated.
 */
export function* pngChunks(png: Uint8Array, file: string): Generator<PngChunk> {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  if (SIGNATURE.some((byte, i) => png[i] !== byte)) {
    throw new DataError(
      `${file}: expected a PNG file, which begins with the bytes 89 50 4e 47; this one does not.`,
    );
  }
  let begin = SIGNATURE.length;
  while (begin < png.length) {
    const size =
      begin + CHUNK_OVERHEAD_BYTES <= png.length ? view.getUint32(begin) : Number.POSITIVE_INFINITY;
    if (begin + CHUNK_OVERHEAD_BYTES + size > png.length) {
      throw new DataError(`${file}: the PNG file ends inside the chunk at byte ${begin}; it is truncated.`);
    }
    const type = String.fromCharCode(...png.subarray(begin + 4, begin + 8));
    yield { type, begin, data: png.subarray(begin + 8, begin + 8 + size) };
    begin += CHUNK_OVERHEAD_BYTES + size;
  }
}

/** The bytes of a chunk. */
export function pngChunk(type: string, data: Uint8Array): Uint8Array {
  const chunk = new Uint8Array(CHUNK_OVERHEAD_BYTES + data.length);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) chunk[4 + i] = type.charCodeAt(i);
  chunk.set(data, 8);
  view.setUint32(8 + data.length, crc32(chunk.subarray(4, 8 + data.length)));
  return chunk;
}

/** The bytes of a PNG file with these chunks. */
export function pngFile(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return joined([SIGNATURE, ...chunks]);
}

/** All bytes one after another. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The CRC of each byte, by the polynomial of the PNG specification, annex D. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
  return crc;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (CRC_TABLE[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}
