import { foldIn, foldInNames, type Key, permutation } from '@easel/core';
import type { CaptionedPicture, PictureSource } from './picture-source.js';

/**
 * Number of pictures that are read one after the other, so that archives are read in long pieces.
 */
const BLOCK = 256;

/** A picture and its round: how often its whole source had been read before. */
export interface ShuffledPicture extends CaptionedPicture {
  readonly round: number;
}

/**
 * Yields the pictures of a source in random order without end, from number `from` of that sequence
 * on. Each round has all pictures in another order.
 *
 * Blocks of neighbouring pictures are permuted. Then the pictures of as many blocks as make up
 * `bufferSize` are permuted together. Only these pictures are in memory, with their bytes if the
 * source holds them in larger pieces (parquet). The key decides which picture comes at which place,
 * and nothing else does.
 */
export async function* shuffledPictures(
  source: PictureSource,
  key: Key,
  bufferSize: number,
  from = 0,
): AsyncGenerator<ShuffledPicture> {
  for (let round = Math.floor(from / source.length), skip = from % source.length; ; round++, skip = 0)
    for await (const picture of oneRound(source, foldIn(key, round), bufferSize, skip))
      yield { ...picture, round };
}

async function* oneRound(
  source: PictureSource,
  key: Key,
  bufferSize: number,
  from: number,
): AsyncGenerator<CaptionedPicture> {
  const block = Math.min(BLOCK, bufferSize);
  const blocks = permutation(foldInNames(key, ['blocks']), Math.ceil(source.length / block));
  const together = Math.max(1, Math.floor(bufferSize / block));
  const sizeOf = (number: number) => Math.min(block, source.length - number * block);
  let skip = from;
  for (let first = 0; first < blocks.length; first += together) {
    const numbers = blocks.subarray(first, first + together);
    const size = numbers.reduce((sum, number) => sum + sizeOf(number), 0);
    if (skip >= size) {
      skip -= size;
      continue;
    }
    const pictures: (CaptionedPicture | undefined)[] = [];
    for (const number of numbers) {
      const range = { from: number * block, to: number * block + sizeOf(number), captions: false };
      for await (const picture of source.read(range)) pictures.push(picture);
    }
    for (const i of permutation(foldIn(key, first), pictures.length).subarray(skip)) {
      yield pictures[i] as CaptionedPicture;
      pictures[i] = undefined; // its bytes may be in memory
    }
    skip = 0;
  }
}
