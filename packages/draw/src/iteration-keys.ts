import { type Key, prngKey, split } from '@easel/core';

/**
 * Returns the keys of a run's pictures, as the original's notebook makes them from a seed on one
 * device. Each iteration does key, subkey = split(key), and draws one picture of every prompt with
 * split(subkey, 1)[0].
 */
export function iterationKeys(seed: number | bigint, iterations: number): Key[] {
  let key = prngKey(seed);
  return Array.from({ length: iterations }, () => {
    const [next, subkey] = split(key) as [Key, Key];
    key = next;
    return split(subkey, 1)[0] as Key;
  });
}
