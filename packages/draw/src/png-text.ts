import { crc32 } from 'node:zlib';
import { DataError } from '@easel/core';

// PNG text chunks (PNG specification, third edition, 11.3.3): iTXt carries UTF-8, which the older
// tEXt does not.

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** Bytes of a chunk's length, type and CRC: everything except its data. */
const CHUNK_OVERHEAD_BYTES = 12;

interface Chunk {
  readonly type: string;
  readonly begin: number;
  readonly data: Uint8Array;
}

function* chunks(png: Uint8Array, file: string): Generator<Chunk> {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  if (signature.some((byte, i) => png[i] !== byte)) {
    throw new DataError(
      `${file}: expected a PNG file, which begins with the bytes 89 50 4e 47; this one does not.`,
    );
  }
  let begin = signature.length;
  while (begin < png.length) {
    const size =
      begin + CHUNK_OVERHEAD_BYTES <= png.length ? view.getUint32(begin) : Number.POSITIVE_INFINITY;
    if (begin + CHUNK_OVERHEAD_BYTES + size > png.length) {
      throw new DataError(`${file}: the PNG file ends inside the chunk at byte ${begin}; it is truncated.`);
    }
    const type = Buffer.from(png.subarray(begin + 4, begin + 8)).toString('latin1');
    yield { type, begin, data: png.subarray(begin + 8, begin + 8 + size) };
    begin += CHUNK_OVERHEAD_BYTES + size;
  }
}

function textChunk(keyword: string, text: string): Buffer {
  // keyword, 0, compression flag 0, compression method 0, language "", 0, translated keyword "", 0,
  // text
  const body = Buffer.concat([
    Buffer.from('iTXt'),
    Buffer.from(keyword, 'latin1'),
    Buffer.alloc(5),
    Buffer.from(text),
  ]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(body.length - 4, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

/**
 * Returns the PNG with one uncompressed iTXt chunk for each entry, right after the header.
 *
 * Keywords: 1 to 79 Latin-1 characters. Throws DataError if `png` is not a PNG file or a keyword is
 * out of range.
 */
export function addPngText(png: Uint8Array, texts: ReadonlyMap<string, string>): Buffer {
  for (const keyword of texts.keys()) {
    if (!/^[\x20-\x7e\xa1-\xff]{1,79}$/.test(keyword)) {
      throw new DataError(`PNG text: expected a keyword of 1 to 79 Latin-1 characters, got "${keyword}".`);
    }
  }
  const [header] = chunks(png, 'picture');
  if (header?.type !== 'IHDR')
    throw new DataError('PNG text: expected the chunk IHDR first; the file has none.');
  const end = header.begin + CHUNK_OVERHEAD_BYTES + header.data.length;
  const added = [...texts].map(([keyword, text]) => textChunk(keyword, text));
  return Buffer.concat([png.subarray(0, end), ...added, png.subarray(end)]);
}

/**
 * Reads the uncompressed iTXt and tEXt entries of a PNG file, by keyword. Throws DataError if it is
 * not a PNG file or is truncated.
 */
export function readPngText(png: Uint8Array, file = 'picture'): Map<string, string> {
  const texts = new Map<string, string>();
  for (const { type, data } of chunks(png, file)) {
    const keywordEnd = data.indexOf(0);
    if (keywordEnd < 0) continue;
    const keyword = Buffer.from(data.subarray(0, keywordEnd)).toString('latin1');
    if (type === 'tEXt') texts.set(keyword, Buffer.from(data.subarray(keywordEnd + 1)).toString('latin1'));
    if (type === 'iTXt' && data[keywordEnd + 1] === 0) {
      const languageEnd = data.indexOf(0, keywordEnd + 3);
      const translatedEnd = languageEnd < 0 ? -1 : data.indexOf(0, languageEnd + 1);
      if (translatedEnd >= 0)
        texts.set(keyword, Buffer.from(data.subarray(translatedEnd + 1)).toString('utf8'));
    }
  }
  return texts;
}
