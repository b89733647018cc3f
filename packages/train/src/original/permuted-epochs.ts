import { type Key, permutation, prngKey, split } from '@easel/core';

/**
 * Row numbers of each epoch in turn, as the original's loader has them for a set that is in memory:
 * key, sub = split(key), and a permutation by sub; the key goes on from epoch to epoch. Source:
 * dalle-mini `data.py`, _dataloader_datasets_non_streaming.
 */
export function* permutedEpochs(seed: number, rows: number): Generator<Int32Array> {
  let key = prngKey(seed);
  for (;;) {
    const [next, sub] = split(key) as [Key, Key];
    key = next;
    yield permutation(sub, rows);
  }
}

/** The same of one epoch alone, without the permutations before it. */
export function permutedEpoch(seed: number, rows: number, epoch: number): Int32Array {
  let key = prngKey(seed);
  for (let before = 0; before < epoch; before++) key = split(key)[0] as Key;
  return permutation(split(key)[1] as Key, rows);
}
