import { DataError } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import type { DecodeState } from './decoder.js';
import type { GenerationConfig, ImageTokenModel } from './image-token-model.js';
import type { ProcessedPrompts } from './processor.js';

/** Prompts to draw; "no prompt" rows are only needed for super conditioning. */
export type GenerateInputs = Omit<ProcessedPrompts, 'uncondInputIds' | 'uncondAttentionMask'> &
  Partial<Pick<ProcessedPrompts, 'uncondInputIds' | 'uncondAttentionMask'>>;

/** Rows of text for the encoder, one after the other: ids and mask are [rows, length]. */
export interface TextRows {
  readonly ids: Int32Array;
  readonly mask: Int32Array;
  readonly length: number;
}

/** The prompts' rows. Throws DataError if there are none, or they don't fit each other or the model. */
export function promptRows(inputs: GenerateInputs, config: GenerationConfig): TextRows {
  const { inputIds, attentionMask, rows, length } = inputs;
  if (!(rows >= 1) || length > config.maxTextLength) {
    throw new DataError(
      `generate: expected at least one row of at most ${config.maxTextLength} text tokens, got ${rows} of ${length}. Make the inputs with the model's own processor.`,
    );
  }
  checkIds(inputIds, attentionMask, rows * length, config);
  return { ids: inputIds, mask: attentionMask, length };
}

/** Throws DataError unless there are `size` ids and mask values, and each id is in the text vocabulary. */
export function checkIds(ids: Int32Array, mask: Int32Array, size: number, config: GenerationConfig): void {
  if (ids.length !== size || mask.length !== size) {
    throw new DataError(
      `generate: expected ${size} text ids and as many mask values (rows × length), got ${ids.length} and ${mask.length}.`,
    );
  }
  const wrong = ids.find((id) => id < 0 || id >= config.encoderVocabSize);
  if (wrong !== undefined) {
    throw new DataError(
      `generate: text id ${wrong} is outside the model's text vocabulary of ${config.encoderVocabSize}. Does the tokenizer belong to this model?`,
    );
  }
}

/** Encodes the texts and starts drawing, each text `copies` times in a row. Dispose the state when done. */
export function startState(model: ImageTokenModel, { ids, mask, length }: TextRows, copies = 1): DecodeState {
  const rows = ids.length / length;
  const kept: DecodeState[] = [];
  tf.tidy(() => {
    const inputIds = tf.tensor2d(ids, [rows, length], 'int32');
    const attentionMask = tf.tensor2d(mask, [rows, length], 'int32');
    const encoded = model.encode(inputIds, attentionMask);
    const order = Int32Array.from({ length: rows * copies }, (_, i) => Math.floor(i / copies));
    const repeated = <T extends tf.Tensor>(x: T): T =>
      copies === 1 ? x : tf.gather(x, tf.tensor1d(order, 'int32'));
    kept.push(model.startDecoding(repeated(encoded), repeated(attentionMask)).keep());
  });
  return kept[0] as DecodeState;
}

/** Logits behind the newest token of each row: [rows, V], flat. */
export async function nextLogits(
  model: ImageTokenModel,
  state: DecodeState,
  tokens: Int32Array,
): Promise<Float32Array> {
  const ids = tf.tensor1d(tokens, 'int32');
  const logits = model.step(state, ids);
  try {
    return (await logits.data()) as Float32Array;
  } finally {
    tf.dispose([ids, logits]);
  }
}
