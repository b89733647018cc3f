/** A threefry key: two uint32 words. */
export type Key = readonly [number, number];

const ROTATIONS = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const;

/**
 * threefry2x32 in place: block i is the pair (x0[i], x1[i]), encrypted with key in 20 rounds.
 * Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"; jax/_src/prng.py `threefry2x32`.
 */
export function threefryBlocks(key: Key, x0: Uint32Array, x1: Uint32Array): void {
  const k0 = key[0] | 0;
  const k1 = key[1] | 0;
  const k2 = k0 ^ k1 ^ 0x1bd11bda;
  const schedule = [k0, k1, k2];
  const [r0, r1] = ROTATIONS;
  for (let i = 0; i < x0.length; i++) {
    let a = ((x0[i] as number) + k0) | 0;
    let b = ((x1[i] as number) + k1) | 0;
    for (let round = 1; round <= 5; round++) {
      const [p, q, r, s] = (round & 1) === 1 ? r0 : r1;
      a = (a + b) | 0;
      b = a ^ ((b << p) | (b >>> (32 - p)));
      a = (a + b) | 0;
      b = a ^ ((b << q) | (b >>> (32 - q)));
      a = (a + b) | 0;
      b = a ^ ((b << r) | (b >>> (32 - r)));
      a = (a + b) | 0;
      b = a ^ ((b << s) | (b >>> (32 - s)));
      a = (a + (schedule[round % 3] as number)) | 0;
      b = (b + (schedule[(round + 1) % 3] as number) + round) | 0;
    }
    x0[i] = a;
    x1[i] = b;
  }
}

/**
 * n words of the stream of a key: the counters 0 … n−1 encrypted, counters cut into two halves whose members are paired; an odd
 * count gets one zero at the end, and its last word is dropped. (jax with jax_threefry_partitionable off, as in jax 0.4.)
 */
export function threefryStream(key: Key, n: number): Uint32Array {
  const counts = new Uint32Array(n + (n & 1));
  for (let i = 0; i < n; i++) counts[i] = i;
  const half = counts.length / 2;
  threefryBlocks(key, counts.subarray(0, half), counts.subarray(half));
  return counts.subarray(0, n);
}
