import type { DalleBart } from '@easel/bart';
import { type Key, sparseCrossEntropy, valueAndGrads } from '@easel/core';
import { eventLoopTurn } from '@easel/core/internals';
import * as tf from '@tensorflow/tfjs';
import type { Ranks } from '../ranks/ranks.js';
import { SharedGradients, type SummingSettings, type UpdateGradients } from '../ranks/shared-gradients.js';
import type { Seq2SeqBatch } from './batches.js';

/** Options of running the model for a gradient. */
export interface StepOptions {
  /** Whether only each layer's inputs are kept, and the layer is computed again (default false). */
  readonly rematerialize?: boolean;
  /**
   * Whether numbers that the gradient needs are kept in bfloat16, if the backend can (default
   * false).
   */
  readonly narrowSaved?: boolean;
}

/** Computes −log p of each label over all V logits, float32 [B·T]. A key switches dropout on. */
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

/** A micro-batch and the key of its dropout. Without a key there is no dropout. */
export interface MicroBatch {
  readonly batch: Seq2SeqBatch;
  readonly dropoutKey?: Key | undefined;
}

/**
 * Computes the mean loss over positions and rows of the micro-batches, a scalar, and its gradient
 * for each of the weights. The caller disposes both. Micro-batches are made one at a time, when
 * they are needed, and then disposed. No value is read from the backend.
 *
 * Gradients are summed and then divided by the number of micro-batches. Source: dalle-mini
 * `tools/train/train.py`, train_step.
 */
export async function seq2seqGradients(
  model: DalleBart,
  weights: ReadonlyMap<string, tf.Variable>,
  microBatches: Iterable<MicroBatch>,
  options: StepOptions = {},
): Promise<UpdateGradients> {
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

/**
 * Computes the same with other ranks: `microBatches` are this rank's, of an update's `count`. Throws
 * RankError if another rank has given up.
 */
export async function sharedSeq2SeqGradients(
  model: DalleBart,
  weights: ReadonlyMap<string, tf.Variable>,
  microBatches: Iterable<MicroBatch>,
  options: StepOptions,
  {
    ranks,
    count,
    summing,
  }: { readonly ranks: Ranks; readonly count: number; readonly summing: SummingSettings },
): Promise<UpdateGradients> {
  const shared = new SharedGradients(ranks, count, summing);
  try {
    for (const micro of microBatches)
      await shared.add((take) => seq2seqStreamed(model, weights, micro, take, options));
    return await shared.finish(weights.keys());
  } finally {
    await shared.dispose();
  }
}

export function disposeBatch(batch: Seq2SeqBatch): void {
  tf.dispose([batch.inputIds, batch.attentionMask, batch.decoderInputIds, batch.labels]);
}

/**
 * Computes the mean loss over positions and rows of one batch, a scalar, and disposes the batch.
 * `take` gets each weight's gradient as soon as it is complete.
 */
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

/** Adds tensors by name and disposes both maps' tensors. */
function added(a: Map<string, tf.Tensor>, b: Map<string, tf.Tensor>): Map<string, tf.Tensor> {
  const sums = mapped(a, (tensor, name) => tf.add(tensor, b.get(name) as tf.Tensor));
  tf.dispose([...b.values()]);
  return sums;
}

/** Replaces each tensor by the result of `f`, and disposes the old tensors. */
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
