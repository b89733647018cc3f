import type * as tf from '@tensorflow/tfjs';
import type { DecodeRoom, DecodeState, StepRows } from './decode-state.js';
import type { GenerationConfig } from './generation-config.js';

/**
 * A model that writes image tokens for a text, one token a step. Both versions of DALL·E mini are
 * such models. B rows, S text tokens, D width, V = imageVocabSize + 1 logits.
 */
export interface ImageTokenModel {
  readonly config: GenerationConfig;
  /** Encodes texts. inputIds and attentionMask: int32 [B, S]; result float32 [B, S, D]. */
  encode(inputIds: tf.Tensor2D, attentionMask: tf.Tensor2D): tf.Tensor3D;
  /** Makes an empty state for drawing. The caller disposes it. */
  startDecoding(room: DecodeRoom): DecodeState;
  /**
   * Puts encoded texts into the state's places from `first` on. encoded: float32 [n, S, D];
   * attentionMask: int32 [n, S]. Rows look at the first lengths[i] tokens of text i (default all),
   * so that padding at the end can be left out.
   */
  setTexts(
    state: DecodeState,
    first: number,
    encoded: tf.Tensor3D,
    attentionMask: tf.Tensor2D,
    lengths?: readonly number[],
  ): void;
  /**
   * Feeds the newest token of each of B rows, each at its own position. Returns the logits of the
   * next tokens, float32 [B, V].
   */
  step(state: DecodeState, rows: StepRows): tf.Tensor2D;
}
