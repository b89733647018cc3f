import type { DalleBart } from '@easel/bart';
import { type Key, sparseCrossEntropy, valueAndGrads } from '@easel/core';
import { eventLoopTurn } from '@easel/core/internals';
import * as tf from '@tensorflow/tfjs';
import type { Seq2SeqBatch } from './batches.js';

/** How the model is run for a gradient. */
export interface StepOptions {
  /** Keep only each layer's inputs and compute the layer again (default false). */
  readonly rematerialize?: boolean;
  /** Keep what the gradient needs in bfloat16, where the backend can (default false). */
  readonly narrowSaved?: boolean;
}

/** −log p of each label over all V logits, float32 [B·T]; a key switches dropout on. */
export function tokenLosses(
  model: DalleBart,
  batch: Seq2SeqBatch,
  dropoutKey?: Key,
  { rematerialize = false }: StepOptions = {},
): tf.Tensor1D {
  return tf.tidy(() => {
    const { labels, ...inputs } = batch;
    const logits = model.logits({ ...inputs, dropoutKey, rematerialize });
    const classes = logits.shape[2] as number;
    return sparseCrossEntropy(tf.reshape(logits, [labels.size, classes]) as tf.Tensor2D, labels);
  });
}

/** A micro-batch and the key of its dropout; without a key there is none. */
export interface MicroBatch {
  readonly batch: Seq2SeqBatch;
  readonly dropoutKey?: Key | undefined;
}

/**
 * Mean loss over positions and rows of each micro-batch, a scalar, and the gradient of their mean for each of the weights; the caller disposes both. Micro-batches
 * are made one at a time, when they are needed, and disposed. Nothing is read.
 *
 * Gradients are summed and then divided by the number of micro-batches. Source: dalle-mini `tools/train/train.py`, train_step.
 */
export async function seq2seqGradients(
  model: DalleBart,
  weights: ReadonlyMap<string, tf.Variable>,
  microBatches: Iterable<MicroBatch>,
  options: StepOptions = {},
): Promise<{ readonly losses: tf.Scalar[]; readonly grads: Map<string, tf.Tensor> }> {
  const losses: tf.Scalar[] = [];
  let grads = new Map<string, tf.Tensor>();
  for (const { batch, dropoutKey } of microBatches) {
    const part = valueAndGrads(
      () => tf.mean(tokenLosses(model, batch, dropoutKey, options)) as tf.Scalar,
      weights,
      { narrowSaved: options.narrowSaved ?? false },
    );
    disposeBatch(batch);
    grads = losses.length === 0 ? part.grads : added(grads, part.grads);
    losses.push(part.value);
    await eventLoopTurn(); // many micro-batches take long
  }
  const count = losses.length;
  if (count > 1) grads = mapped(grads, (gradient) => tf.div(gradient, count));
  return { losses, grads };
}

export function disposeBatch(batch: Seq2SeqBatch): void {
  tf.dispose([batch.inputIds, batch.attentionMask, batch.decoderInputIds, batch.labels]);
}

/** Mean loss over positions and rows of one batch, which is disposed: a scalar; `take` is handed each weight's gradient as soon as it is whole. */
export function seq2seqStreamed(
  model: DalleBart,
  weights: ReadonlyMap<string, tf.Variable>,
  { batch, dropoutKey }: MicroBatch,
  take: (name: string, gradient: tf.Tensor) => void,
  options: StepOptions = {},
): tf.Scalar {
  const { value } = valueAndGrads(
    () => tf.mean(tokenLosses(model, batch, dropoutKey, options)) as tf.Scalar,
    weights,
    { onGradient: take, narrowSaved: options.narrowSaved ?? false },
  );
  disposeBatch(batch);
  return value;
}

/** Sums by name; disposes both. */
function added(a: Map<string, tf.Tensor>, b: Map<string, tf.Tensor>): Map<string, tf.Tensor> {
  const sums = mapped(a, (tensor, name) => tf.add(tensor, b.get(name) as tf.Tensor));
  tf.dispose([...b.values()]);
  return sums;
}

/** Each tensor replaced by what `f` makes of it; disposes the old ones. */
function mapped(
  tensors: ReadonlyMap<string, tf.Tensor>,
  f: (tensor: tf.Tensor, name: string) => tf.Tensor,
): Map<string, tf.Tensor> {
  return new Map(
    [...tensors].map(([name, tensor]) => {
      const result = tf.tidy(() => f(tensor, name));
      tensor.dispose();
      return [name, result];
    }),
  );
}
