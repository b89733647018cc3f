import { DataError } from '@easel/core';
import { CHUNK_OVERHEAD_BYTES, joined, pngChunk, pngChunks } from './png-chunks.js';

// PNG text chunks (PNG specification, third edition, 11.3.3): iTXt carries UTF-8, which the older
// tEXt does not.

function textChunk(keyword: string, text: string): Uint8Array {
  // keyword, 0, compression flag 0, compression method 0, language "", 0, translated keyword "", 0,
  // text
  const data = joined([bytesOf(keyword), new Uint8Array(5), new TextEncoder().encode(text)]);
  return pngChunk('iTXt', data);
}

const bytesOf = (latin1: string) => Uint8Array.from(latin1, (letter) => letter.charCodeAt(0));
const latin1Of = (bytes: Uint8Array) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');

/**
 * Returns the PNG with one uncompressed iTXt chunk for each entry, right after the header.
 *
 * Keywords: 1 to 79 Latin-1 characters. Throws DataError if `png` is not a PNG file or a keyword is
 * out of range.
 */
export function addPngText(png: Uint8Array, texts: ReadonlyMap<string, string>): Uint8Array<ArrayBuffer> {
  for (const keyword of texts.keys()) {
    if (!/^[\x20-\x7e\xa1-\xff]{1,79}$/.test(keyword)) {
      throw new DataError(`PNG text: expected a keyword of 1 to 79 Latin-1 characters, got "${keyword}".`);
    }
  }
  const [header] = pngChunks(png, 'picture');
  if (header?.type !== 'IHDR')
    throw new DataError('PNG text: expected the chunk IHDR first; the file has none.');
  const end = header.begin + CHUNK_OVERHEAD_BYTES + header.data.length;
  const added = [...texts].map(([keyword, text]) => textChunk(keyword, text));
  return joined([png.subarray(0, end), ...added, png.subarray(end)]);
}

/**
 * Reads the uncompressed iTXt and tEXt entries of a PNG file, by keyword. Throws DataError if it is
 * not a PNG file or is truncated.
 */
export function readPngText(png: Uint8Array, file = 'picture'): Map<string, string> {
  const texts = new Map<string, string>();
  for (const { type, data } of pngChunks(png, file)) {
    const keywordEnd = data.indexOf(0);
    if (keywordEnd < 0) continue;
    const keyword = latin1Of(data.subarray(0, keywordEnd));
    if (type === 'tEXt') texts.set(keyword, latin1Of(data.subarray(keywordEnd + 1)));
    if (type === 'iTXt' && data[keywordEnd + 1] === 0) {
      const languageEnd = data.indexOf(0, keywordEnd + 3);
      const translatedEnd = languageEnd < 0 ? -1 : data.indexOf(0, languageEnd + 1);
      if (translatedEnd >= 0) texts.set(keyword, new TextDecoder().decode(data.subarray(translatedEnd + 1)));
    }
  }
  return texts;
}
