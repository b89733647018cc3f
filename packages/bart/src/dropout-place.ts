import { dropout, type Key } from '@easel/core';
import type * as tf from '@tensorflow/tfjs';
import { type FlaxPlace, keyAt } from './flax-place.js';

/** One place where activations are dropped in training, with the mask that the original draws there. */
export class DropoutPlace {
  private readonly rate: number;
  private readonly place: FlaxPlace;

  constructor(rate: number, place: FlaxPlace) {
    this.rate = rate;
    this.place = place;
  }

  /** Drops from x by the root key of the whole call; without a key, or at rate 0, x itself. */
  apply<T extends tf.Tensor>(x: T, root: Key | undefined): T {
    if (root === undefined || this.rate === 0) return x;
    return dropout(x, this.rate, keyAt(root, this.place, 1, 1));
  }
}
