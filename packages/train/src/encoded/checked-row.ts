import { inspect } from 'node:util';
import { DataError } from '@easel/core';

/**
 * The required form of a set's encodings: `imageLength` tokens a row, each in [0, imageVocabSize).
 * For a model these are the ids that it draws, which end at its start token.
 */
export interface EncodingShape {
  readonly imageLength: number;
  readonly imageVocabSize: number;
}

/** Returns the caption of a row. Throws DataError that begins with `where` if it is no text. */
export function checkedCaption(caption: unknown, where: string): string {
  if (typeof caption !== 'string')
    throw new DataError(`${where}: expected a caption as text, got ${describe(caption)}.`);
  return caption;
}

/**
 * Returns the image tokens of a row. They come from a list of integers, or from such a list as text
 * (`"[1, 2]"`, as the first public data sets had it). Throws DataError that begins with `where` for
 * a value that is no list, another length, and a token out of range.
 */
export function checkedEncoding(
  encoding: unknown,
  { imageLength, imageVocabSize }: EncodingShape,
  where: string,
): Int32Array {
  const list = tokenList(encoding, where);
  if (list.length !== imageLength)
    throw new DataError(
      `${where}: expected ${imageLength} image tokens (the model's image_length), got ${list.length}. Was the set encoded for another model?`,
    );
  const tokens = new Int32Array(imageLength);
  for (let t = 0; t < imageLength; t++) {
    const token = Number(list[t]);
    if (!Number.isInteger(token) || token < 0 || token >= imageVocabSize)
      throw new DataError(
        `${where}: image token ${t} is ${describe(list[t])}, expected an integer from 0 to ${imageVocabSize - 1} (the ids of pictures). Was the set encoded with another VQGAN?`,
      );
    tokens[t] = token;
  }
  return tokens;
}

function tokenList(encoding: unknown, where: string): ArrayLike<unknown> {
  let list = encoding;
  if (typeof list === 'string') {
    try {
      list = JSON.parse(list);
    } catch {
      throw new DataError(`${where}: expected a list of image tokens, got ${describe(encoding)}.`);
    }
  }
  if (Array.isArray(list)) return list;
  if (ArrayBuffer.isView(list) && !(list instanceof DataView)) return list as unknown as ArrayLike<unknown>;
  throw new DataError(`${where}: expected a list of image tokens, got ${describe(encoding)}.`);
}

function describe(value: unknown): string {
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY }).slice(0, 60);
}
