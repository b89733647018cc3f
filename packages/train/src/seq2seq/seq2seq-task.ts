import type { DalleBartConfig } from '@easel/bart';
import { DataError, type Key, prngKey } from '@easel/core';
import { eventLoopTurn } from '@easel/core/internals';
import * as tf from '@tensorflow/tfjs';
import type { Seq2SeqConfig } from '../config/seq2seq-config.js';
import type { DataPosition } from '../encoded/epoch-order.js';
import type { CheckpointParts } from '../run/checkpoint-store.js';
import type { FailedBatch } from '../run/failed-batch.js';
import { requireFinite } from '../run/training-error.js';
import type { DrawnSamples, TrainingPace, TrainingTask, UpdateResult } from '../run/training-task.js';
import type { BatchRows, Seq2SeqBatch } from './batches.js';
import { MicroBatches } from './micro-batches.js';
import type { PromptSamples } from './sample-prompts.js';
import { disposeBatch, type MicroBatch, tokenLosses } from './seq2seq-step.js';
import { seq2seqUpdate, type UpdateSubject } from './seq2seq-update.js';
import { stepFlop } from './step-flop.js';
import type { EvaluationRows, TrainingRows } from './training-rows.js';

/** The parts of a Seq2SeqTask. */
export interface Seq2SeqTaskParts extends UpdateSubject {
  /** Number of updates of the whole run. */
  readonly steps: number;
  readonly rows: TrainingRows;
  /** The rows that are evaluated, by name. */
  readonly splits: Readonly<Record<string, EvaluationRows>>;
  /** Returns the text of some of the tokenizer's ids. */
  readonly readText: (ids: readonly number[]) => string;
  /** Draws pictures of the config's prompts; null if it has none. */
  readonly samples: PromptSamples | null;
  /** Writes the present model with its tokenizer and VQGAN. */
  readonly exportModel: TrainingTask['exportModel'];
}

/**
 * Trains text → image tokens with cross-entropy over all V logits, averaged over positions and
 * rows.
 */
export class Seq2SeqTask implements TrainingTask {
  readonly steps: number;
  readonly samplesPerStep: number;
  readonly tokensPerSample: number;
  readonly pace: TrainingPace;
  readonly key: Key;
  readonly data: string;
  readonly exportModel: TrainingTask['exportModel'];
  readonly exportNeedsPause: boolean;
  private readonly parts: Seq2SeqTaskParts;
  private readonly weights: Map<string, tf.Variable>;
  private readonly microBatches: MicroBatches;
  /** The rows of the newest update. */
  private newest: readonly BatchRows[] = [];

  constructor(parts: Seq2SeqTaskParts) {
    const { config } = parts;
    this.parts = parts;
    this.steps = parts.steps;
    this.samplesPerStep = config.batchSize * config.accumulate;
    this.tokensPerSample = parts.model.config.imageLength;
    const withEvaluations = config.evaluation.every || Number.POSITIVE_INFINITY; // then only at the end
    const every = parts.samples === null ? 0 : (config.samples.every ?? withEvaluations);
    this.pace = { ...config, samples: { every } };
    this.key = prngKey(config.seed);
    this.data = parts.rows.digest;
    this.exportModel = parts.exportModel;
    this.exportNeedsPause = config.exportOriginal; // which has the optimizer's state too
    this.weights = parts.model.namedWeights();
    this.microBatches = new MicroBatches(config, parts.steps, parts.rows.blanked);
  }

  position(step: number): DataPosition {
    return this.parts.rows.position(step);
  }

  async update(step: number): Promise<UpdateResult> {
    const { config, model, optimizer } = this.parts;
    const began = performance.now();
    const rows = await this.parts.rows.update(step);
    let dataMs = performance.now() - began;
    this.newest = rows;
    const learningRate = optimizer.schedule(optimizer.step);
    let flop = 0;
    const counted = function* (batches: Iterable<MicroBatch>): Generator<MicroBatch> {
      let asked = performance.now();
      for (const micro of batches) {
        dataMs += performance.now() - asked;
        flop += microBatchFlop(model.config, config, micro);
        yield micro;
        asked = performance.now();
      }
    };
    const { loss, gradientNorm, statistics } = await seq2seqUpdate(
      this.parts,
      counted(this.microBatches.of(rows, step, this.parts.ranks)),
      step,
      (loss, norm, changed) => requireFinite(step, loss, norm, changed),
    );
    return { loss, learningRate, flop, dataSeconds: dataMs / 1000, metrics: { gradientNorm }, statistics };
  }

  async compareRanks(step: number): Promise<void> {
    const { ranks, config } = this.parts;
    const { checkEvery } = config.ranks;
    if (checkEvery > 0 && step % checkEvery === 0)
      await ranks.requireEqual(this.weights, `After update ${step}`);
  }

  /** Returns each row as the model read it, and the keys of each micro-batch. */
  async failedBatch(step: number): Promise<FailedBatch> {
    const samples = await this.microBatches.readable(this.newest, step, this.parts.readText);
    const keys = this.microBatches.keys(this.newest, step);
    return { about: { step: step + 1, seed: this.parts.config.seed, keys }, samples };
  }

  /**
   * Returns three numbers for each split: `loss` per token with the right captions; `lossBlank`
   * with empty captions; `lossFirstRow` over the picture's first row of tokens, which the model
   * must guess from the caption alone.
   */
  async evaluate(): Promise<Record<string, Record<string, number>>> {
    const results: Record<string, Record<string, number>> = {};
    for (const [name, split] of Object.entries(this.parts.splits))
      results[name] = await this.evaluateSplit(name, split);
    return results;
  }

  private async evaluateSplit(name: string, split: EvaluationRows): Promise<Record<string, number>> {
    const { imageLength } = this.parts.model.config;
    const rowLength = Math.floor(Math.sqrt(imageLength));
    const sums = { loss: 0, lossBlank: 0, lossFirstRow: 0 };
    let rows = 0;
    for await (const batch of split.batches()) {
      const clean = await this.measure(batch.clean());
      const blank = await this.measure(batch.clean({ blank: true }));
      for (const [i, loss] of clean.entries()) {
        sums.loss += loss / imageLength;
        if (i % imageLength < rowLength) sums.lossFirstRow += loss / rowLength;
        sums.lossBlank += (blank[i] as number) / imageLength;
      }
      rows += batch.count;
      await eventLoopTurn();
    }
    if (rows === 0)
      throw new DataError(
        `Evaluation set "${name}": no batch of ${this.parts.config.batchSize} rows in it. Filter less, lower batchSize, or leave the set out.`,
      );
    return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / rows]));
  }

  /** Computes the loss of each token, [B·T], without dropout, and disposes the batch. */
  private async measure(batch: Seq2SeqBatch): Promise<Float32Array> {
    const losses = tf.tidy(() => tokenLosses(this.parts.model, batch));
    disposeBatch(batch);
    const values = (await losses.data()) as Float32Array;
    losses.dispose();
    return values;
  }

  async drawSamples(): Promise<DrawnSamples> {
    if (this.parts.samples === null)
      throw new Error('Seq2SeqTask: samples are due, but there is nothing to draw them with.');
    const { samples } = this.parts;
    return { picture: await samples.draw(), rows: samples.rows };
  }

  checkpointParts(): CheckpointParts {
    return { model: this.weights, optimizer: this.parts.optimizer.state() };
  }
}

/** Counts the operations of a micro-batch's products, padding included. */
function microBatchFlop(
  model: DalleBartConfig,
  { gradientCheckpointing: rematerialize, trainable }: Seq2SeqConfig,
  { batch }: MicroBatch,
): number {
  const [rows, textLength] = batch.inputIds.shape;
  return stepFlop(model, { rows, textLength, rematerialize, trainable });
}
