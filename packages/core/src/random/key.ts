import { ConfigError } from '../errors.js';
import { sha1 } from './sha1.js';
import { type Key, type StreamOptions, threefryBlocks, threefryPlaces, threefryStream } from './threefry.js';

/** How a seed becomes a key. */
export interface SeedOptions {
  /**
   * Stands for jax_enable_x64. All 64 bits of the seed count, the high 32 in the first word. By
   * default (false) only the low 32 count.
   */
  readonly x64?: boolean | undefined;
}

/**
 * The key of a seed, as jax.random.PRNGKey gives with 64-bit types off: a first word of 0, then the
 * low 32 bits; −1 gives [0, 2³²−1]. Throws ConfigError unless the seed is an integer that fits into
 * 64 bits with sign.
 */
export function prngKey(seed: number | bigint, { x64 = false }: SeedOptions = {}): Key {
  if (typeof seed === 'number' && !Number.isInteger(seed)) {
    throw new ConfigError(`prngKey: expected an integer as seed, got ${seed}.`);
  }
  const value = BigInt(seed);
  if (BigInt.asIntN(64, value) !== value) {
    throw new ConfigError(`prngKey: expected a seed that fits into 64 bits with sign, got ${seed}.`);
  }
  return [x64 ? Number(BigInt.asUintN(32, value >> 32n)) : 0, Number(BigInt.asUintN(32, value))];
}

/** n new keys from one. Do not use the old one again. */
export function split(key: Key, n = 2, { partitionable = false }: StreamOptions = {}): Key[] {
  if (partitionable) {
    const { high, low } = threefryPlaces(key, n);
    return Array.from({ length: n }, (_, i): Key => [high[i] as number, low[i] as number]);
  }
  const words = threefryStream(key, 2 * n);
  return Array.from({ length: n }, (_, i): Key => [words[2 * i] as number, words[2 * i + 1] as number]);
}

/** A new key from a key and a uint32 number (taken modulo 2³²). */
export function foldIn(key: Key, data: number): Key {
  const high = Uint32Array.of(0);
  const low = Uint32Array.of(data);
  threefryBlocks(key, high, low);
  return [high[0] as number, low[0] as number];
}

/**
 * A new key from a key and a path of names and numbers, as Flax folds a module's path. It is foldIn
 * of the first 4 bytes, big-endian, of a SHA-1. That is taken over the UTF-8 names and the shortest
 * big-endian bytes of the numbers, without separators. Source: flax/core/scope.py,
 * `_fold_in_static` (0.6.3). Throws ConfigError for a number that is not an integer of 0 or more.
 */
export function foldInNames(key: Key, path: readonly (string | number)[]): Key {
  const encoder = new TextEncoder();
  const bytes = path.flatMap((part) =>
    typeof part === 'string' ? [...encoder.encode(part)] : integerBytes(part),
  );
  const digest = sha1(Uint8Array.from(bytes));
  return foldIn(key, new DataView(digest.buffer, digest.byteOffset).getUint32(0));
}

function integerBytes(value: number): number[] {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new ConfigError(`foldInNames: expected names and non-negative integers, got ${value}.`);
  }
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return bytes;
}
