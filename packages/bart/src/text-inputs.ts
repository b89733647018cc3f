import { DataError } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import type { DecodeState, StepRows } from './decode-state.js';
import type { GenerationConfig } from './generation-config.js';
import type { ImageTokenModel } from './image-token-model.js';
import type { ProcessedPrompts } from './processor.js';

/** Prompts to draw. The rows of "no prompt" are only needed for super conditioning. */
export type GenerateInputs = Omit<ProcessedPrompts, 'uncondInputIds' | 'uncondAttentionMask'> &
  Partial<Pick<ProcessedPrompts, 'uncondInputIds' | 'uncondAttentionMask'>>;

/**
 * One text for the encoder: its ids and its mask (1 for tokens, 0 for padding), both of length S.
 */
export interface TextIds {
  readonly ids: Int32Array;
  readonly mask: Int32Array;
}

/**
 * Splits ids and mask, [rows, length] each, into a text for each row. Throws DataError if there are
 * no rows, or if ids, mask and model don't fit each other.
 */
export function textRows(
  ids: Int32Array,
  mask: Int32Array,
  { rows, length }: { readonly rows: number; readonly length: number },
  config: GenerationConfig,
): TextIds[] {
  if (!(rows >= 1) || !(length >= 1) || length > config.maxTextLength) {
    throw new DataError(
      `generate: expected at least one row of at most ${config.maxTextLength} text tokens, got ${rows} of ${length}. Make the inputs with the model's own processor.`,
    );
  }
  if (ids.length !== rows * length || mask.length !== rows * length) {
    throw new DataError(
      `generate: expected ${rows * length} text ids and as many mask values (rows × length), got ${ids.length} and ${mask.length}.`,
    );
  }
  const texts = Array.from({ length: rows }, (_, row) => {
    const part = (values: Int32Array): Int32Array => values.slice(row * length, (row + 1) * length);
    return { ids: part(ids), mask: part(mask) };
  });
  for (const text of texts) checkText(text, config);
  return texts;
}

/** Throws DataError for a text that does not fit the model. */
export function checkText({ ids, mask }: TextIds, config: GenerationConfig): void {
  const { maxTextLength, encoderVocabSize } = config;
  if (ids.length < 1 || ids.length > maxTextLength || mask.length !== ids.length) {
    throw new DataError(
      `generate: expected a text of 1 to ${maxTextLength} ids and as many mask values, got ${ids.length} and ${mask.length}. Make it with the model's own processor.`,
    );
  }
  const wrong = ids.find((id) => id < 0 || id >= encoderVocabSize);
  if (wrong !== undefined) {
    throw new DataError(
      `generate: text id ${wrong} is outside the model's text vocabulary of ${encoderVocabSize}. Does the tokenizer belong to this model?`,
    );
  }
}

/**
 * Encodes a text and puts it into a place of the state. The text is encoded alone, so that it does
 * not depend on others. Padding at its end is left out, since its weight in attention is 0.
 */
export function placeText(model: ImageTokenModel, state: DecodeState, place: number, text: TextIds): void {
  const { length } = text.ids;
  const used = text.mask.lastIndexOf(1) + 1 || length; // where all is masked, all of it weighs alike
  tf.tidy(() => {
    const inputIds = tf.tensor2d(text.ids, [1, length], 'int32');
    const attentionMask = tf.tensor2d(text.mask, [1, length], 'int32');
    model.setTexts(state, place, model.encode(inputIds, attentionMask), attentionMask, [used]);
  });
}

/** Feeds the newest tokens of rows and reads the logits of the next: [rows, V], flat. */
export async function nextLogits(
  model: ImageTokenModel,
  state: DecodeState,
  rows: StepRows,
): Promise<Float32Array> {
  const logits = model.step(state, rows);
  try {
    return (await logits.data()) as Float32Array;
  } finally {
    logits.dispose();
  }
}
