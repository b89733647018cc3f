import type { DalleBart } from '@easel/bart';
import type { Optimizer } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import type { Seq2SeqConfig } from '../config/seq2seq-config.js';
import { optimizerGroup } from '../original/optimizer-group.js';
import { Ranks } from '../ranks/ranks.js';
import { applyUpdate, createOptimizer, createSchedule, StreamedUpdate } from '../run/optimization.js';
import { statisticsDue, type WeightStatistics, weightStatistics } from '../run/weight-statistics.js';
import {
  type MicroBatch,
  seq2seqGradients,
  seq2seqStreamed,
  sharedSeq2SeqGradients,
} from './seq2seq-step.js';
import { trainedWeights } from './trained-weights.js';

/** The parts of an update: the model, its trained weights and the optimizer. */
export interface UpdateSubject {
  readonly config: Seq2SeqConfig;
  readonly model: DalleBart;
  readonly trained: ReadonlyMap<string, tf.Variable>;
  readonly optimizer: Optimizer;
  /** The processes that share the update. */
  readonly ranks: Ranks;
}

/**
 * Returns a model with the parts that train it, for a run of so many updates. The caller disposes
 * the optimizer. Throws ConfigError as `createSchedule` does.
 */
export function updateSubject(
  config: Seq2SeqConfig,
  model: DalleBart,
  steps: number,
  ranks: Ranks = new Ranks(),
): UpdateSubject {
  const trained = trainedWeights(model, config);
  const schedule = createSchedule(config.schedule, steps);
  const optimizer = createOptimizer(
    config.optimizer,
    schedule,
    trained,
    optimizerGroup(model),
    config.weights,
  );
  return { config, model, trained, optimizer, ranks };
}

/**
 * Whether each weight is changed as soon as its gradient comes, so that not all gradients are in
 * memory. This is so if nothing needs all gradients at once.
 */
export function isStreamed({ accumulate, clipNorm, log }: Seq2SeqConfig, step: number): boolean {
  return accumulate === 1 && clipNorm === null && !statisticsDue(log, step + 1);
}

/**
 * Makes update number `step`, counted from 0, from its micro-batches, of which a rank gives its own.
 * The whole update is handed to
 * the device first; then its numbers are read at once. `check` gets the loss, the norm of the
 * gradients, and whether weights have been changed by numbers that are not finite. It is called
 * before the update is counted. An error that it throws is passed on.
 */
export async function seq2seqUpdate(
  { config, model, trained, optimizer, ranks }: UpdateSubject,
  microBatches: Iterable<MicroBatch>,
  step: number,
  check: (loss: number, gradientNorm: number, changed: boolean) => void,
): Promise<{
  readonly loss: number;
  readonly gradientNorm: number;
  readonly statistics: WeightStatistics | undefined;
}> {
  const options = {
    rematerialize: config.gradientCheckpointing,
    narrowSaved: config.savedActivations === 'bfloat16',
  };
  if (isStreamed(config, step)) {
    const update = new StreamedUpdate(optimizer, trained);
    const [micro] = [...microBatches] as [MicroBatch];
    let value: tf.Scalar | undefined;
    try {
      value = seq2seqStreamed(model, trained, micro, update.take, options);
      return { ...(await update.finish(value, check)), statistics: undefined };
    } finally {
      value?.dispose();
      update.dispose();
    }
  }
  const sharing = { ranks, count: config.accumulate, summing: config.ranks };
  const { losses, grads } = await (ranks.size === 1
    ? seq2seqGradients(model, trained, microBatches, options)
    : sharedSeq2SeqGradients(model, trained, microBatches, options, sharing));
  try {
    const statistics = await weightStatistics(config.log, step + 1, grads);
    const mean = (values: readonly Float32Array[]) =>
      values.reduce((sum, [loss]) => sum + (loss as number), 0) / values.length;
    const numbers = await applyUpdate(optimizer, trained, grads, { losses }, config.clipNorm, (told) =>
      check(mean(told.losses), told.gradientNorm, false),
    );
    const { gradientNorm } = numbers;
    return { loss: mean(numbers.losses), gradientNorm, statistics: await statistics?.after(trained) };
  } finally {
    tf.dispose(losses);
  }
}
