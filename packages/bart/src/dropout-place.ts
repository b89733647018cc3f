import { dropout, type Key } from '@easel/core';
import type * as tf from '@tensorflow/tfjs';
import { type FlaxPlace, keyAt } from './flax-place.js';

/**
 * One place where activations are dropped in training, with the mask that the original draws there.
 */
export class DropoutPlace {
  private readonly rate: number;
  private readonly place: FlaxPlace;

  private readonly draw: number;

  /** `draw` counts the masks that the module at `place` draws in one call, from 1. */
  constructor(rate: number, place: FlaxPlace, draw = 1) {
    this.rate = rate;
    this.place = place;
    this.draw = draw;
  }

  /** Drops from x by the root key of the whole call; without a key, or at rate 0, x itself. */
  apply<T extends tf.Tensor>(x: T, root: Key | undefined): T {
    if (root === undefined || this.rate === 0) return x;
    return dropout(x, this.rate, keyAt(root, this.place, this.draw, 1));
  }
}
