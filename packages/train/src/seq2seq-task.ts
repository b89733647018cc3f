import type { DalleBart } from '@easel/bart';
import { foldInNames, type Key, type Optimizer, prngKey } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import { microBatchKeys, type Seq2SeqBatch, type Seq2SeqBatches } from './batches.js';
import type { Seq2SeqConfig } from './config/seq2seq-config.js';
import { type DataPosition, EpochOrder } from './epoch-order.js';
import { applyUpdate } from './optimization.js';
import type { CheckpointParts } from './run-folder.js';
import { disposeBatch, type MicroBatch, seq2seqGradients, tokenLosses } from './seq2seq-step.js';
import { trainedWeights } from './trained-weights.js';
import { requireFinite, type TrainingTask, type UpdateResult } from './training-loop.js';

/** Rows that are evaluated, of a set of batches. */
export interface EvaluationSplit {
  readonly batches: Seq2SeqBatches;
  readonly rows: readonly number[];
}

/** What a Seq2SeqTask trains and on what. */
export interface Seq2SeqTaskParts {
  readonly config: Seq2SeqConfig;
  readonly model: DalleBart;
  readonly optimizer: Optimizer;
  readonly batches: Seq2SeqBatches;
  /** Rows of `batches` to train on. */
  readonly rows: readonly number[];
  readonly splits: Readonly<Record<string, EvaluationSplit>>;
  /** Writes the model as it is, tokenizer and VQGAN with it. */
  readonly exportModel: (folder: string) => Promise<void>;
}

/** Training text → image tokens with cross-entropy over all V logits, averaged over positions and rows. */
export class Seq2SeqTask implements TrainingTask {
  readonly steps: number;
  readonly samplesPerStep: number;
  readonly logEvery: number;
  readonly evaluateEvery: number;
  readonly checkpointEvery: number;
  readonly checkpointsKept: number;
  readonly key: Key;
  readonly data: string;
  readonly exportModel: (folder: string) => Promise<void>;
  private readonly parts: Seq2SeqTaskParts;
  /** All weights, and those that are trained. */
  private readonly weights: Map<string, tf.Variable>;
  private readonly trained: Map<string, tf.Variable>;
  private readonly order: EpochOrder;
  private readonly batchKey: Key;

  /** Throws ConfigError if the rows don't fill an update's batch. */
  constructor(parts: Seq2SeqTaskParts) {
    const { config } = parts;
    this.parts = parts;
    this.steps = config.steps;
    this.samplesPerStep = config.batchSize * config.accumulate;
    this.logEvery = config.log.every;
    this.evaluateEvery = config.evaluation.every;
    this.checkpointEvery = config.checkpoint.every;
    this.checkpointsKept = config.checkpoint.keep;
    this.key = prngKey(config.seed);
    this.data = parts.batches.set.digest;
    this.exportModel = parts.exportModel;
    this.weights = parts.model.namedWeights();
    this.trained = trainedWeights(parts.model, config);
    this.order = new EpochOrder(foldInNames(this.key, ['order']), parts.rows.length, this.samplesPerStep);
    this.batchKey = foldInNames(this.key, ['batch']);
  }

  position(step: number): DataPosition {
    return this.order.position(step);
  }

  async update(step: number): Promise<UpdateResult> {
    const { config, optimizer } = this.parts;
    const rows = Array.from(this.order.batch(step), (i) => this.parts.rows[i] as number);
    const { loss, grads } = await seq2seqGradients(
      this.parts.model,
      this.weights,
      this.microBatches(rows, step),
    );
    const learningRate = optimizer.schedule(step);
    const gradientNorm = applyUpdate(optimizer, this.trained, grads, config.clipNorm, (norm) =>
      requireFinite(step, loss, norm),
    );
    return { loss, learningRate, metrics: { gradientNorm } };
  }

  /** The micro-batches of an update, with their noise. */
  private *microBatches(rows: readonly number[], step: number): Generator<MicroBatch> {
    const { config, batches } = this.parts;
    const { accumulate, batchSize } = config;
    const masking = step < config.maskInputs.until * config.steps;
    const noise = {
      blankCaptions: config.data.blankCaptions,
      maskMax: masking ? config.maskInputs.max : 0,
      maskRows: config.maskInputs.rows,
    };
    for (let micro = 0; micro < accumulate; micro++) {
      const keys = microBatchKeys(this.batchKey, step * accumulate + micro);
      const part = rows.slice(micro * batchSize, (micro + 1) * batchSize);
      yield { batch: batches.noisy(part, noise, keys.noise), dropoutKey: keys.dropout };
    }
  }

  /**
   * For each split: `loss` per token with the right captions, `lossBlank` with empty ones, `lossFirstRow` over the picture's first
   * row of tokens, which have only the caption to go by.
   */
  async evaluate(): Promise<Record<string, Record<string, number>>> {
    const results: Record<string, Record<string, number>> = {};
    for (const [name, split] of Object.entries(this.parts.splits))
      results[name] = await this.evaluateSplit(split);
    return results;
  }

  private async evaluateSplit({ batches, rows }: EvaluationSplit): Promise<Record<string, number>> {
    const { batchSize } = this.parts.config;
    const { imageLength } = batches.set;
    const rowLength = Math.floor(Math.sqrt(imageLength));
    const sums = { loss: 0, lossBlank: 0, lossFirstRow: 0 };
    for (let start = 0; start < rows.length; start += batchSize) {
      const part = rows.slice(start, start + batchSize);
      const clean = await this.measure(batches.clean(part));
      const blank = await this.measure(batches.clean(part, { blank: true }));
      for (const [i, loss] of clean.entries()) {
        sums.loss += loss / imageLength;
        if (i % imageLength < rowLength) sums.lossFirstRow += loss / rowLength;
        sums.lossBlank += (blank[i] as number) / imageLength;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / rows.length]));
  }

  /** Loss of each token, [B·T], without dropout; disposes the batch. */
  private async measure(batch: Seq2SeqBatch): Promise<Float32Array> {
    const losses = tf.tidy(() => tokenLosses(this.parts.model, batch));
    disposeBatch(batch);
    const values = (await losses.data()) as Float32Array;
    losses.dispose();
    return values;
  }

  checkpointParts(): CheckpointParts {
    return { model: this.weights, optimizer: this.parts.optimizer.state() };
  }
}
