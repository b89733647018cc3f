import type { FuzzDtype, FuzzTensor } from './program.js';

/** How a tensor's numbers are drawn. */
export type Numbers =
  /** Odd 32nds in (−4, 4): never an integer or 0, so that no kink of a function is hit. */
  | 'plain'
  /** As `plain`, and no two alike while there are enough. */
  | 'distinct'
  /** Odd 32nds in (0, 4). */
  | 'positive'
  /** Odd 32nds in (−1, 1). */
  | 'unit'
  /** `plain` with NaN, infinities, zeros and integers between. */
  | 'special';

/** Draws of one seed: the same on every machine. */
export class Chance {
  private state: number;

  constructor(seed: number) {
    this.state = (Math.imul(seed, 2654435761) ^ 0x9e3779b9) >>> 0;
    for (let i = 0; i < 4; i++) this.next();
  }

  /** A number in [0, 1): xorshift over a counter (Mulberry32). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from `least` to `most`, both possible. */
  int(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  yes(probability = 0.5): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)] as T;
  }

  /** The numbers below `count` in any order. */
  order(count: number): number[] {
    const list = Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = this.int(0, i);
      [list[i], list[j]] = [list[j] as number, list[i] as number];
    }
    return list;
  }

  /** Some of the numbers below `count`, in ascending order. */
  some(count: number, probability = 0.5): number[] {
    return Array.from({ length: count }, (_, i) => i).filter(() => this.yes(probability));
  }

  /**
   * Extents: mostly 1 to 5, the last one sometimes around a vector's width; now and then one is 0.
   */
  shape(rank: number): number[] {
    const shape = Array.from({ length: rank }, () => this.int(1, 5));
    if (rank > 0 && this.yes(0.25)) shape[rank - 1] = this.int(6, 37);
    if (rank > 0 && this.yes(0.06)) shape[this.int(0, rank - 1)] = 0;
    return shape;
  }

  floats(shape: readonly number[], numbers: Numbers = 'plain'): FuzzTensor {
    const size = shape.reduce((product, extent) => product * extent, 1);
    const order = numbers === 'distinct' ? this.order(Math.max(size, 128)) : [];
    const one = (i: number): number | string => {
      if (numbers === 'distinct') return ((order[i] as number) * 2 + 1 - Math.max(size, 128)) / 32;
      if (numbers === 'positive') return (2 * this.int(0, 63) + 1) / 32;
      if (numbers === 'unit') return (2 * this.int(-16, 15) + 1) / 32;
      if (numbers === 'special' && this.yes(0.4))
        return this.pick(['nan', 'inf', '-inf', 0, 1, -1, 2, -0.5, 1e30, -1e-30]);
      return (2 * this.int(-64, 63) + 1) / 32;
    };
    return { shape, dtype: 'float32', values: Array.from({ length: size }, (_, i) => one(i)) };
  }

  /** Integers from `least` to `most`. */
  ints(shape: readonly number[], least = -9, most = 9, dtype: FuzzDtype = 'int32'): FuzzTensor {
    const size = shape.reduce((product, extent) => product * extent, 1);
    return { shape, dtype, values: Array.from({ length: size }, () => this.int(least, most)) };
  }

  bools(shape: readonly number[]): FuzzTensor {
    return this.ints(shape, 0, 1, 'bool');
  }

  /** Words of some letters, spaces and signs of one to four bytes; now and then none. */
  texts(shape: readonly number[], most = 8): FuzzTensor {
    const size = shape.reduce((product, extent) => product * extent, 1);
    const text = () =>
      Array.from({ length: this.int(0, most) }, () =>
        this.pick(['a', 'a', 'b', 'b', 'c', ' ', ' ', ',', '1', 'é', '語', '🙂', '\n']),
      ).join('');
    return { shape, dtype: 'string', values: Array.from({ length: size }, text) };
  }

  /** Numbers of any type. */
  any(shape: readonly number[]): FuzzTensor {
    const kind = this.int(0, 9);
    return kind < 7 ? this.floats(shape) : kind < 9 ? this.ints(shape) : this.bools(shape);
  }
}
