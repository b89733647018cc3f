import { dropout, type Key } from '@easel/core';
import type * as tf from '@tensorflow/tfjs';
import { type FlaxPlace, keyAt } from './flax-place.js';

/**
 * One place where training drops activations. It draws the same mask as the original draws there.
 */
export class DropoutPlace {
  private readonly rate: number;
  private readonly place: FlaxPlace;

  private readonly draw: number;

  /**
   * `draw` is the number of this mask among those that the module at `place` draws in one call,
   * from 1.
   */
  constructor(rate: number, place: FlaxPlace, draw = 1) {
    this.rate = rate;
    this.place = place;
    this.draw = draw;
  }

  /**
   * Drops from x with a key folded out of `root`, the key of the whole call. Returns x itself
   * without a key or at rate 0.
   */
  apply<T extends tf.Tensor>(x: T, root: Key | undefined): T {
    if (root === undefined || this.rate === 0) return x;
    return dropout(x, this.rate, keyAt(root, this.place, this.draw, 1));
  }
}
