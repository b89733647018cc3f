import type * as tf from '@tensorflow/tfjs';
import type { DecodeRoom, DecodeState, StepRows } from './decode-state.js';

/**
 * The part of a model's config that generation reads: sizes, special ids, and the defaults of its
 * options.
 */
export interface GenerationConfig {
  /** Rows of the text embedding. */
  readonly encoderVocabSize: number;
  /** Number of image codes without the start token. There is one logit more. */
  readonly imageVocabSize: number;
  /** Image tokens of a picture, T. */
  readonly imageLength: number;
  /** Text tokens of a prompt, S. */
  readonly maxTextLength: number;
  readonly decoderStartTokenId: number;
  readonly eosTokenId: number;
  readonly padTokenId: number;
  /** Ids that a row must start and end with; null for none. */
  readonly forcedBosTokenId: number | null;
  readonly forcedEosTokenId: number | null;
  /** Least and greatest number of tokens of a generated row, start token included. */
  readonly minLength: number;
  readonly maxLength: number;
  readonly doSample: boolean;
  readonly topK: number;
  readonly topP: number;
  readonly temperature: number;
  /** Beam search divides a finished row's score by length^lengthPenalty. */
  readonly lengthPenalty: number;
  /** Beam search ends once it has as many finished rows as beams. */
  readonly earlyStopping: boolean;
}

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
