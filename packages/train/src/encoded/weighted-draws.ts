import { foldIn, foldInNames, type Key, permutation, uniform } from '@easel/core';

/** Some rows of the data, with their weight beside other groups of rows. */
export interface WeightedRows {
  readonly rows: readonly number[];
  readonly weight: number;
}

/**
 * Draws as many indices as there are rows, by the groups' weights. The indices count the groups'
 * rows, one group after the other.
 */
export function weightedEpoch(groups: readonly WeightedRows[], key: Key): Int32Array {
  const lengths = groups.map(({ rows }) => rows.length);
  const first = lengths.map((_, g) => lengths.slice(0, g).reduce((sum, n) => sum + n, 0));
  const picks = new WeightedDraws(
    groups.map(({ weight }) => weight),
    foldInNames(key, ['draws']),
  );
  const orders: Int32Array[] = lengths.map(() => new Int32Array(0));
  const taken = lengths.map(() => 0);
  return Int32Array.from({ length: lengths.reduce((sum, n) => sum + n, 0) }, (_, n) => {
    const group = picks.at(n);
    const count = taken[group] as number;
    taken[group] = count + 1;
    const length = lengths[group] as number;
    if (count % length === 0)
      orders[group] = permutation(foldIn(foldInNames(key, ['group', group]), count / length), length);
    return (first[group] as number) + ((orders[group] as Int32Array)[count % length] as number);
  });
}

/** An endless sequence of numbers from 0 on, each drawn by its weight. */
export class WeightedDraws {
  private static readonly BLOCK = 1024;
  private readonly weights: readonly number[];
  private readonly key: Key;
  private block: { readonly number: number; readonly values: Float32Array } | undefined;

  constructor(weights: readonly number[], key: Key) {
    this.weights = weights;
    this.key = key;
  }

  /** Returns how often each number comes before place `n`. */
  before(n: number): number[] {
    const counts = this.weights.map(() => 0);
    if (counts.length === 1) return [n];
    for (let i = 0; i < n; i++) {
      const drawn = this.at(i);
      counts[drawn] = (counts[drawn] as number) + 1;
    }
    return counts;
  }

  /** Returns the number at place `n`. */
  at(n: number): number {
    const { weights } = this;
    if (weights.length === 1) return 0;
    const number = Math.floor(n / WeightedDraws.BLOCK);
    if (this.block?.number !== number)
      this.block = { number, values: uniform(foldIn(this.key, number), [WeightedDraws.BLOCK]) };
    let rest =
      (this.block.values[n % WeightedDraws.BLOCK] as number) *
      weights.reduce((sum, weight) => sum + weight, 0);
    for (let i = 0; i < weights.length - 1; i++) {
      rest -= weights[i] as number;
      if (rest < 0) return i;
    }
    return weights.length - 1;
  }
}
