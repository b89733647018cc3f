import { CompositeLayer, Embedding, type LayerNorm, ShapeError } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import type { TextTowerConfig } from './config.js';
import { type OnHidden, TowerLayers, towerNorm } from './tower.js';

/**
 * Number added to the score of a place that may not be looked at, as in the original. A row that
 * may look at nothing keeps the order of its own scores.
 */
const MASKED = -1e4;

/** Texts as ids, a row each. */
export interface ClipTextInputs {
  /** int32 [B, T]. */
  readonly inputIds: tf.Tensor2D;
  /** int32 [B, T] with 0 at padding. If it is left out, no place is padding. */
  readonly attentionMask?: tf.Tensor2D;
}

/** The result of the text tower. */
export interface TextStates {
  /** States after the final norm, [B, T, D]. */
  readonly states: tf.Tensor3D;
  /** The state at each text's end, [B, D]. */
  readonly pooled: tf.Tensor2D;
}

class TextEmbeddings extends CompositeLayer {
  static className = 'EaselClipTextEmbeddings';

  private readonly tokens: Embedding;
  private readonly positions: Embedding;

  constructor({ vocabSize, maxTextLength, width }: TextTowerConfig) {
    super();
    const table = (entries: number): Embedding =>
      new Embedding({ entries, size: width, kernelInitializer: 'zeros' });
    this.tokens = this.child('token_embedding', table(vocabSize));
    this.positions = this.child('position_embedding', table(maxTextLength));
  }

  /** int32 [B, T] → [B, T, D]. */
  forward(ids: tf.Tensor2D): tf.Tensor3D {
    return tf.tidy(() => {
      const places = tf.slice(this.positions.weight as unknown as tf.Tensor2D, [0, 0], [ids.shape[1], -1]);
      return tf.add(this.tokens.call(ids), places) as tf.Tensor3D;
    });
  }
}

/**
 * The text tower: text ids → a state for each token, and one for each text, which is the state
 * where the text ends.
 *
 * A token looks at itself and the tokens before it, except padding. Source: CLIPTextTransformer of
 * transformers 4.25.1.
 */
export class TextTower extends CompositeLayer {
  static className = 'EaselClipTextTower';

  private readonly config: TextTowerConfig;
  private readonly embeddings: TextEmbeddings;
  private readonly encoder: TowerLayers;
  private readonly finalNorm: LayerNorm;

  constructor(config: TextTowerConfig) {
    super();
    this.config = config;
    this.embeddings = this.child('embeddings', new TextEmbeddings(config));
    this.encoder = this.child('encoder', new TowerLayers(config));
    this.finalNorm = this.child('final_layer_norm', towerNorm(config));
  }

  /**
   * Throws ShapeError for ids that are no int32 [B, T], a text longer than the model reads, or a
   * mask of another shape.
   */
  forward({ inputIds, attentionMask }: ClipTextInputs, onHidden?: OnHidden): TextStates {
    this.check(inputIds, attentionMask);
    return tf.tidy(() => {
      const bias = maskBias(inputIds.shape[1], attentionMask);
      const encoded = this.encoder.forward(this.embeddings.forward(inputIds), bias, onHidden);
      const states = this.finalNorm.call(encoded) as tf.Tensor3D; // [B, T, D]
      return { states, pooled: this.pool(states, inputIds) };
    });
  }

  /** Picks the state at the first end token, or at the first highest id: [B, T, D] → [B, D]. */
  private pool(states: tf.Tensor3D, ids: tf.Tensor2D): tf.Tensor2D {
    const { eosTokenId } = this.config;
    const sought = eosTokenId === undefined ? ids : tf.cast(tf.equal(ids, eosTokenId), 'int32');
    const [rows, length, width] = states.shape;
    const ends = tf.add(tf.argMax(sought, 1), tf.mul(tf.range(0, rows, 1, 'int32'), length));
    return tf.gather(tf.reshape(states, [rows * length, width]), tf.cast(ends, 'int32')) as tf.Tensor2D;
  }

  private check(ids: tf.Tensor2D, mask: tf.Tensor2D | undefined): void {
    const { maxTextLength } = this.config;
    if (ids.rank !== 2 || ids.dtype !== 'int32' || ids.shape[1] < 1 || ids.shape[1] > maxTextLength) {
      throw new ShapeError(
        `TextTower: expected int32 ids [B, T] with T from 1 to ${maxTextLength}, got ${ids.dtype} [${ids.shape}]. Longer texts are cut by the tokenizer.`,
      );
    }
    if (mask !== undefined && `${mask.shape}` !== `${ids.shape}`) {
      throw new ShapeError(`TextTower: expected a mask [${ids.shape}] as the ids, got [${mask.shape}].`);
    }
  }
}

/**
 * Makes the bias of the scores, float32 [1 or B, 1, T, T]: 0 where a token may look, MASKED where
 * not.
 */
function maskBias(length: number, mask: tf.Tensor2D | undefined): tf.Tensor4D {
  return tf.tidy(() => {
    const past = Float32Array.from({ length: length * length }, (_, i) =>
      Number(i % length <= Math.floor(i / length)),
    );
    const causal = tf.tensor3d(past, [1, length, length]);
    const seen = mask === undefined ? causal : tf.mul(causal, tf.expandDims(tf.cast(mask, 'float32'), 1));
    return tf.reshape(tf.mul(tf.sub(1, seen), MASKED), [-1, 1, length, length]);
  });
}
