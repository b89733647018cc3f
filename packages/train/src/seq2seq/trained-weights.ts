import type { DalleBart } from '@easel/bart';
import { toBfloat16 } from '@easel/core';
import type { WeightFormat } from '@easel/core/internals';
import * as tf from '@tensorflow/tfjs';
import type { Seq2SeqConfig } from '../config/seq2seq-config.js';

/**
 * The weights that a model needs anew for another image tokenizer: the image side's embeddings,
 * their norm, the last norm and the head.
 */
const IMAGE_SIDE = /^(lm_head\.|decoder\.(embed_tokens|embed_positions|layernorm_embedding|final_norm)\.)/;

/**
 * Whether a weight is one of those that `trainable: "embeddings"` trains. Source: dalle-mini
 * `train.py`, trainable_params.
 */
export function isImageSide(name: string): boolean {
  return IMAGE_SIDE.test(name);
}

/** Returns the weights that a run trains. The others have neither gradients nor optimizer state. */
export function trainedWeights(
  model: DalleBart,
  { trainable }: Pick<Seq2SeqConfig, 'trainable'>,
): Map<string, tf.Variable> {
  const weights = [...model.namedWeights()];
  return new Map(trainable === 'all' ? weights : weights.filter(([name]) => isImageSide(name)));
}

/**
 * Converts a model's weights to the format in which the run holds them. A checkpoint's weights have
 * it already; others are rounded to the nearest number.
 */
export function holdWeights(weights: ReadonlyMap<string, tf.Variable>, format: WeightFormat): void {
  if (format === 'float32') return;
  for (const weight of weights.values()) tf.tidy(() => weight.assign(toBfloat16(weight)));
}
