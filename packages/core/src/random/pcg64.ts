import { ConfigError } from '../errors.js';

const MASK_64 = (1n << 64n) - 1n;
const MASK_128 = (1n << 128n) - 1n;
const WORDS_32 = 0x1_0000_0000;

/** PCG64's multiplier. Source: O'Neill 2014, pcg-random.org; numpy `random/src/pcg64`. */
const MULTIPLIER = (2549297995355413924n << 64n) + 4865540595714422341n;

// Constants of SeedSequence. Source: numpy `random/bit_generator.pyx`.
const POOL_SIZE = 4;
const INIT_A = 0x43b0d7e5;
const MULT_A = 0x931e8875;
const INIT_B = 0x8b51f9dd;
const MULT_B = 0x58f38ded;
const MIX_LEFT = 0xca01f9dd;
const MIX_RIGHT = 0x4973f715;

/**
 * The generator of `numpy.random.default_rng(seed)`: PCG64 (XSL-RR 128/64), seeded through
 * SeedSequence. It draws the same numbers. Of numpy's draws it has those that data loaders use. A
 * draw takes about half a microsecond.
 */
export class Pcg64 {
  private state = 0n;
  private increment: bigint;
  /** The high half of a 64-bit draw whose low half the last 32-bit draw took. */
  private half: number | undefined;

  /** `seed` is a whole number from 0 on. Throws ConfigError for any other. */
  constructor(seed: number | bigint) {
    if (typeof seed === 'number' ? !(Number.isSafeInteger(seed) && seed >= 0) : seed < 0n) {
      throw new ConfigError(`Pcg64: expected a whole number from 0 on as seed, got ${seed}.`);
    }
    const [stateHigh, stateLow, sequenceHigh, sequenceLow] = seedSequence(BigInt(seed));
    this.increment = ((((sequenceHigh << 64n) | sequenceLow) << 1n) | 1n) & MASK_128;
    this.step();
    this.state = (this.state + ((stateHigh << 64n) | stateLow)) & MASK_128;
    this.step();
  }

  /** A generator that draws from here on what this one would draw. */
  copy(): Pcg64 {
    const other = new Pcg64(0);
    other.state = this.state;
    other.increment = this.increment;
    other.half = this.half;
    return other;
  }

  /**
   * Skips so many 64-bit draws (each `random()` is one). The time grows with the logarithm of their
   * number.
   */
  advance(draws: number | bigint): void {
    let multiplier = 1n;
    let increment = 0n;
    let stepMultiplier = MULTIPLIER;
    let stepIncrement = this.increment;
    for (let left = BigInt(draws); left > 0n; left >>= 1n) {
      if (left & 1n) {
        multiplier = (multiplier * stepMultiplier) & MASK_128;
        increment = (increment * stepMultiplier + stepIncrement) & MASK_128;
      }
      stepIncrement = ((stepMultiplier + 1n) * stepIncrement) & MASK_128;
      stepMultiplier = (stepMultiplier * stepMultiplier) & MASK_128;
    }
    this.state = (multiplier * this.state + increment) & MASK_128;
    this.half = undefined;
  }

  /** 64 random bits. */
  next64(): bigint {
    this.step();
    const high = this.state >> 64n;
    const word = high ^ (this.state & MASK_64);
    const turn = this.state >> 122n;
    return ((word >> turn) | (word << (-turn & 63n))) & MASK_64;
  }

  /** 32 random bits. Two calls take the low half of a 64-bit draw, then its high half. */
  next32(): number {
    if (this.half !== undefined) {
      const half = this.half;
      this.half = undefined;
      return half;
    }
    const word = this.next64();
    this.half = Number(word >> 32n);
    return Number(word & 0xffffffffn);
  }

  /** A double in [0, 1) of 53 bits, as numpy's `random()`. */
  random(): number {
    return Number(this.next64() >> 11n) / 2 ** 53;
  }

  /**
   * A whole number from 0 to below `bound`, as numpy's `integers(0, bound)`. It uses Lemire's
   * multiplication, of 32 bits for bounds up to 2^32 − 1, else of 64. Throws ConfigError for a
   * bound below 1 or above 2^64.
   */
  integer(bound: number): number;
  integer(bound: bigint): bigint;
  integer(bound: number | bigint): number | bigint {
    if (!(bound >= 1 && bound <= 2n ** 64n) || (typeof bound === 'number' && !Number.isInteger(bound))) {
      throw new ConfigError(`Pcg64: expected a whole bound from 1 to 2^64, got ${bound}.`);
    }
    if (bound > WORDS_32 - 1) {
      const wide = this.below64(BigInt(bound));
      return typeof bound === 'bigint' ? wide : Number(wide);
    }
    const narrow = this.below32(Number(bound));
    return typeof bound === 'bigint' ? BigInt(narrow) : narrow;
  }

  /** Shuffles a list in place, as numpy's `shuffle` of a Python list does. */
  shuffle<T>(list: T[]): void {
    for (let i = list.length - 1; i >= 1; i--) {
      const j = this.upTo(i);
      const moved = list[i] as T;
      list[i] = list[j] as T;
      list[j] = moved;
    }
  }

  private step(): void {
    this.state = (this.state * MULTIPLIER + this.increment) & MASK_128;
  }

  private below32(bound: number): number {
    if (bound === 1) return 0;
    const big = BigInt(bound);
    let product = BigInt(this.next32()) * big;
    let left = Number(product & 0xffffffffn);
    if (left < bound) {
      const threshold = (WORDS_32 - bound) % bound;
      while (left < threshold) {
        product = BigInt(this.next32()) * big;
        left = Number(product & 0xffffffffn);
      }
    }
    return Number(product >> 32n);
  }

  private below64(bound: bigint): bigint {
    if (bound === 2n ** 64n) return this.next64();
    let product = this.next64() * bound;
    let left = product & MASK_64;
    if (left < bound) {
      const threshold = (2n ** 64n - bound) % bound;
      while (left < threshold) {
        product = this.next64() * bound;
        left = product & MASK_64;
      }
    }
    return product >> 64n;
  }

  /** A number from 0 to `most`: masked words are drawn until one is not larger. */
  private upTo(most: number): number {
    let mask = most;
    for (const shift of [1, 2, 4, 8, 16]) mask |= mask >>> shift;
    mask >>>= 0;
    for (;;) {
      const value = (this.next32() & mask) >>> 0;
      if (value <= most) return value;
    }
  }
}

/** SeedSequence(seed).generate_state(4, uint64). */
function seedSequence(seed: bigint): [bigint, bigint, bigint, bigint] {
  const entropy: number[] = [];
  for (let left = seed; left > 0n; left >>= 32n) entropy.push(Number(left & 0xffffffffn));
  let hashConstant = INIT_A;
  const hashMix = (word: number): number => {
    let value = word ^ hashConstant;
    hashConstant = Math.imul(hashConstant, MULT_A);
    value = Math.imul(value, hashConstant);
    return value ^ (value >>> 16);
  };
  const mix = (x: number, y: number): number => {
    const value = Math.imul(MIX_LEFT, x) - Math.imul(MIX_RIGHT, y);
    return value ^ (value >>> 16);
  };
  const pool = Int32Array.from({ length: POOL_SIZE }, (_, i) => hashMix(entropy[i] ?? 0));
  const stir = (to: number, word: number): void => {
    pool[to] = mix(pool[to] as number, hashMix(word));
  };
  for (let from = 0; from < POOL_SIZE; from++) {
    for (let to = 0; to < POOL_SIZE; to++) if (from !== to) stir(to, pool[from] as number);
  }
  for (const word of entropy.slice(POOL_SIZE)) for (let to = 0; to < POOL_SIZE; to++) stir(to, word);

  let outConstant = INIT_B;
  const words = Uint32Array.from({ length: 8 }, (_, i) => {
    let value = (pool[i % POOL_SIZE] as number) ^ outConstant;
    outConstant = Math.imul(outConstant, MULT_B);
    value = Math.imul(value, outConstant);
    return value ^ (value >>> 16);
  });
  const wide = (i: number): bigint =>
    BigInt(words[2 * i] as number) | (BigInt(words[2 * i + 1] as number) << 32n);
  return [wide(0), wide(1), wide(2), wide(3)];
}
