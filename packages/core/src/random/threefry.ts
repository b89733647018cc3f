/** A threefry key: two uint32 words. */
export type Key = readonly [number, number];

/** The choice between jax's two streams. */
export interface StreamOptions {
  /**
   * jax_threefry_partitionable: each number is encrypted from its own place alone. This is jax's
   * default from 0.5 on. It was off in the jax that trained DALL·E mini, and is off here by
   * default. Keys of seeds and foldIn are the same in both streams.
   */
  readonly partitionable?: boolean | undefined;
}

/**
 * threefry2x32 in place. Block i is the pair (x0[i], x1[i]), encrypted with the key in 20 rounds.
 * Rotations are by 13 15 26 6 and 17 29 16 24 in turn. After each four rounds a pair of the key
 * schedule and its number are added. The rounds are written out, since a loop over them takes twice
 * as long. Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3";
 * jax/_src/prng.py `threefry2x32`.
 */
export function threefryBlocks(key: Key, x0: Uint32Array, x1: Uint32Array): void {
  const k0 = key[0] | 0;
  const k1 = key[1] | 0;
  const k2 = k0 ^ k1 ^ 0x1bd11bda;
  for (let i = 0; i < x0.length; i++) {
    let a = ((x0[i] as number) + k0) | 0;
    let b = ((x1[i] as number) + k1) | 0;
    a = (a + b) | 0;
    b = a ^ ((b << 13) | (b >>> 19));
    a = (a + b) | 0;
    b = a ^ ((b << 15) | (b >>> 17));
    a = (a + b) | 0;
    b = a ^ ((b << 26) | (b >>> 6));
    a = (a + b) | 0;
    b = a ^ ((b << 6) | (b >>> 26));
    a = (a + k1) | 0;
    b = (b + k2 + 1) | 0;
    a = (a + b) | 0;
    b = a ^ ((b << 17) | (b >>> 15));
    a = (a + b) | 0;
    b = a ^ ((b << 29) | (b >>> 3));
    a = (a + b) | 0;
    b = a ^ ((b << 16) | (b >>> 16));
    a = (a + b) | 0;
    b = a ^ ((b << 24) | (b >>> 8));
    a = (a + k2) | 0;
    b = (b + k0 + 2) | 0;
    a = (a + b) | 0;
    b = a ^ ((b << 13) | (b >>> 19));
    a = (a + b) | 0;
    b = a ^ ((b << 15) | (b >>> 17));
    a = (a + b) | 0;
    b = a ^ ((b << 26) | (b >>> 6));
    a = (a + b) | 0;
    b = a ^ ((b << 6) | (b >>> 26));
    a = (a + k0) | 0;
    b = (b + k1 + 3) | 0;
    a = (a + b) | 0;
    b = a ^ ((b << 17) | (b >>> 15));
    a = (a + b) | 0;
    b = a ^ ((b << 29) | (b >>> 3));
    a = (a + b) | 0;
    b = a ^ ((b << 16) | (b >>> 16));
    a = (a + b) | 0;
    b = a ^ ((b << 24) | (b >>> 8));
    a = (a + k1) | 0;
    b = (b + k2 + 4) | 0;
    a = (a + b) | 0;
    b = a ^ ((b << 13) | (b >>> 19));
    a = (a + b) | 0;
    b = a ^ ((b << 15) | (b >>> 17));
    a = (a + b) | 0;
    b = a ^ ((b << 26) | (b >>> 6));
    a = (a + b) | 0;
    b = a ^ ((b << 6) | (b >>> 26));
    a = (a + k2) | 0;
    b = (b + k0 + 5) | 0;
    x0[i] = a;
    x1[i] = b;
  }
}

/**
 * Encrypts counters as jax does with jax_threefry_partitionable off, the default of jax 0.4. They
 * are cut into two halves whose members are paired. An odd count gets one zero at the end, and its
 * last word is dropped.
 */
export function threefryCounters(key: Key, counters: Uint32Array): Uint32Array {
  const words = new Uint32Array(counters.length + (counters.length & 1));
  words.set(counters);
  const half = words.length / 2;
  threefryBlocks(key, words.subarray(0, half), words.subarray(half));
  return words.subarray(0, counters.length);
}

/** n random words of a key: the encrypted counters 0 … n−1. */
export function threefryStream(key: Key, n: number): Uint32Array {
  const counters = new Uint32Array(n);
  for (let i = 0; i < n; i++) counters[i] = i;
  return threefryCounters(key, counters);
}

/**
 * Words first … first + count − 1 of threefryStream(key, n). The others are not made. A word's
 * block holds its own counter and that of the other half.
 */
export function threefryStreamPart(key: Key, n: number, first: number, count: number): Uint32Array {
  const half = Math.ceil(n / 2);
  const [x0, x1] = [new Uint32Array(count), new Uint32Array(count)];
  for (let i = 0; i < count; i++) {
    const word = first + i;
    const low = word < half ? word : word - half;
    x0[i] = low;
    x1[i] = low + half < n ? low + half : 0;
  }
  threefryBlocks(key, x0, x1);
  for (let i = Math.max(0, half - first); i < count; i++) x0[i] = x1[i] as number;
  return x0;
}

/**
 * The two words of each of n places from `first` on: (0, i) encrypted. jax draws from these with
 * jax_threefry_partitionable on. Word i of `high` and of `low` belong to place first + i < 2³².
 */
export function threefryPlaces(
  key: Key,
  n: number,
  first = 0,
): { readonly high: Uint32Array; readonly low: Uint32Array } {
  const high = new Uint32Array(n);
  const low = new Uint32Array(n);
  for (let i = 0; i < n; i++) low[i] = first + i;
  threefryBlocks(key, high, low);
  return { high, low };
}
