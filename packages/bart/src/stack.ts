import { CompositeLayer, Embedding, type Key, ShapeError } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import type { DalleBartConfig } from './config.js';
import { DropoutPlace } from './dropout-place.js';
import type { StackName } from './flax-place.js';
import { makeNorm, type Norm, normalize } from './norm-placement.js';
import { placesFrom } from './places.js';
import type { LayerConfig } from './version.js';

/** Options of a pass through a stack. */
export interface PassOptions {
  /** The key that switches dropout on. */
  readonly dropoutKey?: Key | undefined;
  /** Called with the states before the first layer and after each layer. */
  readonly onHidden?: ((state: tf.Tensor3D) => void) | undefined;
  /**
   * Whether only each layer's inputs are kept for the gradient, which then runs the layer again.
   */
  readonly rematerialize?: boolean;
}

/** Sizes of a stack's embeddings. */
export interface StackSizes {
  readonly vocabulary: number;
  readonly positions: number;
}

/**
 * The common part of encoder and decoder: embeddings of tokens and positions before the layers, and
 * the norm behind them.
 *
 * The original has no final norm behind post-norm layers, but its decoder asks for one and
 * therefore cannot run. Here such a decoder runs without the norm.
 */
export abstract class Stack extends CompositeLayer {
  private readonly positionCount: number;
  private readonly positionOffset: number;
  private readonly tokens: Embedding;
  private readonly positions: Embedding | undefined;
  private readonly embeddingNorm: Norm;
  private readonly embeddingDropout: DropoutPlace;
  private readonly embeddingScale: number;
  private finalNorm: Norm | undefined;

  constructor(config: LayerConfig, stack: StackName, sizes: StackSizes) {
    super();
    const table = (entries: number): Embedding =>
      new Embedding({ entries, size: config.dModel, kernelInitializer: 'zeros' });
    this.positionCount = sizes.positions;
    this.positionOffset = config.version.positionOffset;
    this.tokens = this.child('embed_tokens', table(sizes.vocabulary));
    if (config.useAbsolutePositionEmbeddings) {
      this.positions = this.child('embed_positions', table(sizes.positions + config.version.positionOffset));
    }
    this.embeddingNorm = this.child('layernorm_embedding', makeNorm(config, config.dModel, 'scaled'));
    this.embeddingScale = config.scaleEmbedding ? Math.sqrt(config.dModel) : 1;
    this.embeddingDropout = new DropoutPlace(config.dropout, { path: ['model', stack, 'dropout_layer'] });
  }

  /**
   * Adds the norm behind the layers. Constructors call it last, so that weights are listed in
   * order.
   */
  protected addFinalNorm(config: LayerConfig, useFinalNorm: boolean): void {
    if (hasFinalNorm(config, useFinalNorm)) {
      this.finalNorm = this.child('final_norm', makeNorm(config, config.dModel, 'bare'));
    }
  }

  /**
   * Embeds ids, int32 [B, T], at the positions from `first` on: float32 [B, T, D]. `first` is one
   * number for all rows, or int32 [B]. Throws ShapeError if a row is longer than the position
   * table. The caller checks positions given as int32 [B].
   */
  protected embed(ids: tf.Tensor2D, first: number | tf.Tensor1D, dropoutKey: Key | undefined): tf.Tensor3D {
    const length = ids.shape[1];
    const known = typeof first === 'number' ? first : 0;
    if (ids.rank !== 2 || known + length > this.positionCount) {
      throw new ShapeError(
        `${this.getClassName()}: expected ids [B, T] with at most ${this.positionCount} tokens a row, got [${ids.shape}] from position ${known}. Shorten the input, or use a model with more positions.`,
      );
    }
    return tf.tidy(() => {
      let x = this.tokens.call(ids) as tf.Tensor3D; // [B, T, D]
      if (this.embeddingScale !== 1) x = tf.mul(x, this.embeddingScale);
      if (this.positions) x = tf.add(x, this.positionsFrom(this.positions, first, length));
      return this.embeddingDropout.apply(normalize(this.embeddingNorm, x), dropoutKey);
    });
  }

  /** Returns rows of the position table: [T, D] for one `first`, [B, T, D] for one of each row. */
  private positionsFrom(table: Embedding, first: number | tf.Tensor1D, length: number): tf.Tensor {
    const { positionOffset: offset } = this;
    if (typeof first === 'number') return tf.slice(table.weight, [first + offset, 0], [length, -1]);
    const places = placesFrom(first, length);
    return table.call(offset === 0 ? places : tf.add(places, tf.scalar(offset, 'int32')));
  }

  /** Applies the norm behind the layers, if there is one. x and result: float32 [B, T, D]. */
  protected finish(x: tf.Tensor3D): tf.Tensor3D {
    return normalize(this.finalNorm, x);
  }
}

/** Whether a stack has a norm behind its layers. Post-norm layers never have one. */
export function hasFinalNorm(config: DalleBartConfig, useFinalNorm: boolean): boolean {
  return useFinalNorm && config.lnPositions !== 'postln';
}
