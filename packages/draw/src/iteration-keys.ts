import { type Key, prngKey, split } from '@easel/core';

/**
 * Returns the keys of a run's pictures, as the original's notebook makes them from a seed on one
 * device. Each iteration does key, subkey = split(key), and draws one picture of every prompt with
 * split(subkey, 1)[0].
 */
export function iterationKeys(seed: number | bigint, iterations: number): Key[] {
  const keys = new IterationKeys(seed);
  return Array.from({ length: iterations }, (_, i) => keys.at(i));
}

/** The keys that `iterationKeys` returns, each made when it is first asked for. */
export class IterationKeys {
  private readonly keys: Key[] = [];
  private next: Key;

  constructor(seed: number | bigint) {
    this.next = prngKey(seed);
  }

  at(iteration: number): Key {
    while (this.keys.length <= iteration) {
      const [next, subkey] = split(this.next) as [Key, Key];
      this.next = next;
      this.keys.push(split(subkey, 1)[0] as Key);
    }
    return this.keys[iteration] as Key;
  }
}
