import { CompositeLayer, Dense, type Key, ShapeError } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import { type DecodeRoom, DecodeState, type StepRows } from './decode-state.js';
import { Decoder } from './decoder.js';
import { Encoder } from './encoder.js';
import type { GenerationConfig } from './generation-config.js';
import { paddingBias } from './mask.js';
import type { PassOptions } from './stack.js';
import type { LayerConfig } from './version.js';

/**
 * One call of the whole model. All ids and masks are int32; masks hold 1 for tokens and 0 for
 * padding.
 */
export interface TransformerInputs {
  /** [B, S]. */
  readonly inputIds: tf.Tensor2D;
  /** [B, S]. */
  readonly attentionMask: tf.Tensor2D;
  /** [B, T]. The start token, then the picture's codes but the last. */
  readonly decoderInputIds: tf.Tensor2D;
  /** [B, T] (default all ones). */
  readonly decoderAttentionMask?: tf.Tensor2D;
  /** Switches dropout on. Equal keys drop the same activations. */
  readonly dropoutKey?: Key | undefined;
  /**
   * Whether only each layer's input is kept for the gradient, which then computes the layer again.
   * The numbers are the same and less memory is needed (default false).
   */
  readonly rematerialize?: boolean;
  /**
   * Called with each stack's states before the first layer and after each layer. The tensors are
   * only valid during the call.
   */
  readonly onHidden?: (stack: 'encoder' | 'decoder', state: tf.Tensor3D) => void;
}

/**
 * The common part of both versions of the text → image-token transformer. An encoder reads the
 * text; a decoder writes the picture's codes one by one.
 *
 * Dimensions: B rows, S text tokens, T image tokens, D width, V = imageVocabSize + 1 logits.
 * Source: BART, arXiv:1910.13461.
 */
export abstract class ImageTransformer extends CompositeLayer {
  abstract readonly config: GenerationConfig;
  private readonly encoder: Encoder;
  private readonly decoder: Decoder;
  private readonly head: Dense;

  constructor(encoder: LayerConfig, decoder: LayerConfig) {
    super();
    this.encoder = this.child('encoder', new Encoder(encoder));
    this.decoder = this.child('decoder', new Decoder(decoder));
    this.head = this.child(
      'lm_head',
      new Dense({
        inputSize: decoder.dModel,
        outputSize: decoder.imageVocabSize + 1,
        useBias: false,
        kernelInitializer: 'zeros',
      }),
    );
  }

  /**
   * Encodes texts. inputIds and attentionMask: int32 [B, S], S ≤ maxTextLength; result float32 [B,
   * S, D]. Throws ShapeError if the texts are longer or the two shapes differ.
   */
  encode(inputIds: tf.Tensor2D, attentionMask: tf.Tensor2D, dropoutKey?: Key): tf.Tensor3D {
    return this.encodeShown(inputIds, attentionMask, { dropoutKey });
  }

  /**
   * Computes the logits of every next token. decoderInputIds: int32 [B, T], T ≤ imageLength;
   * encoded: float32 [B, S, D]; attentionMask of the text: int32 [B, S]; result float32 [B, T, V].
   * Throws ShapeError if shapes do not fit.
   */
  decode(
    decoderInputIds: tf.Tensor2D,
    encoded: tf.Tensor3D,
    attentionMask: tf.Tensor2D,
    dropoutKey?: Key,
  ): tf.Tensor3D {
    return this.decodeShown(decoderInputIds, encoded, attentionMask, { dropoutKey });
  }

  /** Encodes the text, then decodes: float32 [B, T, V]. */
  logits(inputs: TransformerInputs): tf.Tensor3D {
    const { inputIds, attentionMask, decoderInputIds, onHidden } = inputs;
    return tf.tidy(() => {
      const showEncoder = onHidden && ((state: tf.Tensor3D) => onHidden('encoder', state));
      const encoded = this.encodeShown(inputIds, attentionMask, { ...inputs, onHidden: showEncoder });
      return this.decodeShown(decoderInputIds, encoded, attentionMask, inputs);
    });
  }

  /**
   * Computes `logits` of [inputIds, attentionMask, decoderInputIds], the form that tf.model calls.
   * Throws ShapeError unless there are three inputs.
   */
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [inputIds, attentionMask, decoderInputIds] = (Array.isArray(inputs) ? inputs : []) as tf.Tensor2D[];
    if (!inputIds || !attentionMask || !decoderInputIds) {
      throw new ShapeError(
        `${this.getClassName()}: expected three inputs, text ids, their mask and image ids.`,
      );
    }
    return this.logits({ inputIds, attentionMask, decoderInputIds });
  }

  /**
   * Makes an empty state for drawing, with `length` ≤ imageLength and `textLength` ≤ maxTextLength.
   * Put texts in with setTexts. The caller disposes the state. Throws ShapeError for sizes beyond
   * the model's.
   */
  startDecoding(room: DecodeRoom): DecodeState {
    const { imageLength, maxTextLength } = this.config;
    if (room.length > imageLength || room.textLength > maxTextLength) {
      throw new ShapeError(
        `startDecoding: expected rows of at most ${imageLength} tokens and texts of at most ${maxTextLength}, got ${room.length} and ${room.textLength}.`,
      );
    }
    return new DecodeState(this.decoder.depth, this.decoder.width, room);
  }

  /**
   * Projects encoded texts once for all steps, and puts them into the state's places from `first`
   * on. encoded: float32 [n, S, D]; attentionMask: int32 [n, S]. Rows look at the first lengths[i]
   * tokens of text i (default all). Throws ShapeError if the texts don't fit.
   */
  setTexts(
    state: DecodeState,
    first: number,
    encoded: tf.Tensor3D,
    attentionMask: tf.Tensor2D,
    lengths?: readonly number[],
  ): void {
    tf.tidy(() => {
      const keysAndValues = this.decoder.projectTexts(encoded);
      state.setTexts(first, { keysAndValues, attentionMask, lengths });
    });
  }

  /**
   * Feeds the newest token of each of B rows, each at its own position. Returns the logits of the
   * next tokens, float32 [B, V]. A row's logits do not depend on the rows beside it; on the native
   * backend this holds to the last bit for up to 32 rows. Throws ShapeError for rows, positions or
   * texts that the state does not have.
   */
  step(state: DecodeState, rows: StepRows): tf.Tensor2D {
    return tf.tidy(() => {
      const x = this.decoder.step(state, rows); // [B, 1, D]
      return tf.squeeze(this.toLogits(x), [1]) as tf.Tensor2D;
    });
  }

  /** Computes the logits [B, T, V] of the decoder's states, float32 [B, T, D]. */
  protected toLogits(states: tf.Tensor3D): tf.Tensor3D {
    return this.head.call(states) as tf.Tensor3D;
  }

  private encodeShown(inputIds: tf.Tensor2D, attentionMask: tf.Tensor2D, options: PassOptions): tf.Tensor3D {
    if (`${inputIds.shape}` !== `${attentionMask.shape}`) {
      throw new ShapeError(
        `${this.getClassName()}: expected attentionMask of inputIds' shape [${inputIds.shape}], got [${attentionMask.shape}].`,
      );
    }
    return tf.tidy(() => this.encoder.forward(inputIds, paddingBias(attentionMask), options));
  }

  private decodeShown(
    ids: tf.Tensor2D,
    encoded: tf.Tensor3D,
    attentionMask: tf.Tensor2D,
    options: Pick<TransformerInputs, 'decoderAttentionMask' | 'dropoutKey' | 'onHidden' | 'rematerialize'>,
  ): tf.Tensor3D {
    const { decoderAttentionMask, onHidden } = options;
    return tf.tidy(() => {
      const selfBias = decoderAttentionMask && paddingBias(decoderAttentionMask);
      const show = onHidden && ((state: tf.Tensor3D) => onHidden('decoder', state));
      const crossBias = paddingBias(attentionMask);
      const passed = { ...options, onHidden: show };
      const states = this.decoder.forward(ids, encoded, selfBias, crossBias, passed);
      return this.toLogits(states); // [B, T, V]
    });
  }
}
