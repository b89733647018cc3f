import { readFile } from 'node:fs/promises';
import { TextNormalizer } from '@easel/bart';
import { parseWordFrequencies } from '@easel/bart/internals';
import { foldIn, foldInNames, type Key, uniform } from '@easel/core';

export type NormalizeCaption = (caption: string) => string;

/**
 * Makes a normalizer whose choice of names for persons depends on the key and the caption alone, so
 * that a stream can go on at any row.
 */
export async function createNormalizer(wordList: string | null, key: Key): Promise<NormalizeCaption> {
  let drawn: { key: Key | undefined; count: number } = { key: undefined, count: 0 };
  let current = '';
  const random = () => {
    drawn.key ??= foldInNames(key, [current]);
    return uniform(foldIn(drawn.key, drawn.count++), [1])[0] as number;
  };
  const normalizer = new TextNormalizer(
    wordList === null
      ? { random }
      : { random, wordFrequencies: parseWordFrequencies(await readFile(wordList, 'utf8')) },
  );
  return (caption) => {
    current = caption;
    drawn = { key: undefined, count: 0 };
    return normalizer.normalize(caption);
  };
}
