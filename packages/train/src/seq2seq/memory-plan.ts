import { DalleBart, type DalleBartConfig } from '@easel/bart';
import { type Key, type Optimizer, prngKey } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import type { Seq2SeqConfig } from '../config/seq2seq-config.js';
import { Ranks } from '../ranks/ranks.js';
import { nativeBackend } from '../run/native-backend.js';
import type { MemoryPlan } from '../run/training-plan.js';
import type { Seq2SeqBatch } from './batches.js';
import { disposeBatch, tokenLosses } from './seq2seq-step.js';
import { isStreamed, seq2seqUpdate, updateSubject } from './seq2seq-update.js';
import { holdWeights } from './trained-weights.js';

/**
 * Bytes of heap and code that a run adds to those of this process before its first step. Measured
 * over the configurations of bench/train-memory.mjs.
 */
const GROWTH_BYTES = 20e6;
/**
 * Share of all weights whose copies are in memory at once while a checkpoint is written. It was
 * measured in the same way, because the garbage collector decides it.
 */
const SAVED_SHARE = 0.5;

/**
 * Finds the memory that a run will need. It simulates three updates and an evaluation on the native
 * backend without computing them: every tensor is reserved as in the run, and none is filled. So it
 * also works for models larger than this machine's memory.
 *
 * `textLength` is that of the longest batch. The memory is that of rank 0 of `ranks`. Returns undefined if the native backend is not built,
 * because other backends can't simulate.
 */
export async function planMemory(
  config: Seq2SeqConfig,
  modelConfig: DalleBartConfig,
  textLength: number,
  ranks = new Ranks(),
): Promise<MemoryPlan | undefined> {
  const native = await nativeBackend();
  if (native === undefined) return undefined;
  const backend = tf.getBackend();
  await tf.setBackend('native');
  try {
    const before = globalThis.process.memoryUsage.rss();
    const { result, peakBytes, flop } = await native.rehearse(() =>
      play(config, modelConfig, textLength, ranks),
    );
    const process = before + GROWTH_BYTES + SAVED_SHARE * result.weights;
    const activations = peakBytes - result.weights - result.gradients - result.optimizer;
    return { ...result, activations, process, total: peakBytes + process, flop: flop / UPDATES };
  } finally {
    await tf.setBackend(backend);
  }
}

const UPDATES = 3;

async function play(
  config: Seq2SeqConfig,
  modelConfig: DalleBartConfig,
  textLength: number,
  ranks: Ranks,
): Promise<Pick<MemoryPlan, 'weights' | 'gradients' | 'optimizer'>> {
  const model = new DalleBart(modelConfig);
  let optimizer: Optimizer | undefined;
  try {
    holdWeights(model.namedWeights(), config.weights);
    const unwarmed = { ...config, schedule: { ...config.schedule, warmupSteps: 0 } };
    const subject = updateSubject(unwarmed, model, UPDATES, ranks);
    optimizer = subject.optimizer;
    const key: Key = prngKey(0);
    for (let update = 0; update < UPDATES; update++) {
      const own = Math.ceil(config.accumulate / ranks.size);
      const batches = Array.from({ length: own }, () => ({
        batch: blankBatch(modelConfig, config.batchSize, textLength),
        dropoutKey: key,
      }));
      await seq2seqUpdate(subject, batches, update, () => {});
    }
    const evaluated = blankBatch(modelConfig, config.evaluation.batchSize ?? config.batchSize, textLength);
    tokenLosses(model, evaluated).dispose();
    disposeBatch(evaluated);
    return {
      weights: bytesOf(model.namedWeights().values(), config.weights === 'bfloat16' ? 2 : 4),
      gradients: isStreamed(config, 0) ? 0 : bytesOf(subject.trained.values()),
      optimizer: bytesOf(optimizer.state().values()),
    };
  } finally {
    optimizer?.dispose();
    model.dispose();
  }
}

/** Makes a batch of zeros. The caller disposes it. */
function blankBatch({ imageLength }: DalleBartConfig, rows: number, textLength: number): Seq2SeqBatch {
  return {
    inputIds: tf.zeros([rows, textLength], 'int32'),
    attentionMask: tf.zeros([rows, textLength], 'int32'),
    decoderInputIds: tf.zeros([rows, imageLength], 'int32'),
    labels: tf.zeros([rows * imageLength], 'int32'),
  };
}

function bytesOf(tensors: Iterable<tf.Tensor>, each = 4): number {
  let bytes = 0;
  for (const { size } of tensors) bytes += each * size;
  return bytes;
}
