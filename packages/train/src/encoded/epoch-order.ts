import { ConfigError, foldIn, type Key, permutation } from '@easel/core';

/** A place in the data: a number of whole epochs, and then a number of batches. */
export interface DataPosition {
  readonly epoch: number;
  readonly batch: number;
  /** Number of draws for blank captions before this epoch. Only streamed rows have it. */
  readonly blankDraws?: number;
}

/**
 * The order of a set's rows. Each epoch is a fresh permutation that is cut into batches. An
 * incomplete last batch is dropped.
 *
 * Batch n depends only on the key (or the permutations), the number of rows and n. So a run can go
 * on at any batch without the batches before it.
 */
export class EpochOrder {
  readonly batchesPerEpoch: number;
  private readonly permutationOf: (epoch: number) => Int32Array;
  private readonly batchSize: number;
  private shuffled: { readonly epoch: number; readonly order: Int32Array } | undefined;

  /** Throws ConfigError if the rows don't fill a batch. */
  constructor(order: Key | ((epoch: number) => Int32Array), rows: number, batchSize: number) {
    if (rows < batchSize)
      throw new ConfigError(
        `Training data: ${rows} rows don't fill one batch of ${batchSize}. Lower batchSize to at most ${rows}.`,
      );
    this.permutationOf =
      typeof order === 'function' ? order : (epoch) => permutation(foldIn(order, epoch), rows);
    this.batchSize = batchSize;
    this.batchesPerEpoch = Math.floor(rows / batchSize);
  }

  position(n: number): DataPosition {
    return { epoch: Math.floor(n / this.batchesPerEpoch), batch: n % this.batchesPerEpoch };
  }

  /**
   * Returns the row numbers of batch n: [batchSize]. Batches are counted from 0 over all epochs.
   */
  batch(n: number): Int32Array {
    const { epoch, batch } = this.position(n);
    if (this.shuffled?.epoch !== epoch) this.shuffled = { epoch, order: this.permutationOf(epoch) };
    return this.shuffled.order.subarray(batch * this.batchSize, (batch + 1) * this.batchSize);
  }
}

/**
 * Splits groups 0 … count − 1 in two by chance. The share `fraction`, rounded up, is held out. Both
 * lists are in rising order. Throws ConfigError if nothing is left to train on.
 */
export function holdOut(key: Key, count: number, fraction: number): { train: number[]; held: number[] } {
  const heldCount = Math.ceil(count * fraction);
  if (heldCount >= count)
    throw new ConfigError(
      `Evaluation split: holding out ${heldCount} of ${count} pictures leaves none to train on.`,
    );
  const held = new Set(permutation(key, count).subarray(0, heldCount));
  const train: number[] = [];
  for (let i = 0; i < count; i++) if (!held.has(i)) train.push(i);
  return { train, held: [...held].sort((a, b) => a - b) };
}
