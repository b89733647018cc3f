import type { DalleBart } from '@easel/bart';
import { DataError, foldInNames, type Key, type Optimizer, prngKey } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import { type BatchRows, microBatchKeys, type Seq2SeqBatch } from './batches.js';
import type { Seq2SeqConfig } from './config/seq2seq-config.js';
import { countedDropoutKeys, type DropoutKeys, originalDropoutKeys } from './dropout-keys.js';
import type { DataPosition } from './epoch-order.js';
import { applyUpdate, StreamedUpdate } from './optimization.js';
import type { CheckpointParts, FailedBatch, Grid } from './run-folder.js';
import type { PromptSamples } from './sample-prompts.js';
import {
  disposeBatch,
  type MicroBatch,
  seq2seqGradients,
  seq2seqStreamed,
  tokenLosses,
} from './seq2seq-step.js';
import { trainedWeights } from './trained-weights.js';
import { requireFinite, type TrainingPace, type TrainingTask, type UpdateResult } from './training-loop.js';
import type { EvaluationRows, TrainingRows } from './training-rows.js';
import { statisticsDue, weightStatistics } from './weight-statistics.js';

/** What a Seq2SeqTask trains and on what. */
export interface Seq2SeqTaskParts {
  readonly config: Seq2SeqConfig;
  /** Updates of the whole run. */
  readonly steps: number;
  readonly model: DalleBart;
  readonly optimizer: Optimizer;
  readonly rows: TrainingRows;
  /** What is evaluated, by name. */
  readonly splits: Readonly<Record<string, EvaluationRows>>;
  /** The text of some of the tokenizer's ids. */
  readonly readText: (ids: readonly number[]) => string;
  /** Pictures of the config's prompts; null if it has none. */
  readonly samples: PromptSamples | null;
  /** Writes the model as it is, tokenizer and VQGAN with it. */
  readonly exportModel: (folder: string) => Promise<void>;
}

/** Training text → image tokens with cross-entropy over all V logits, averaged over positions and rows. */
export class Seq2SeqTask implements TrainingTask {
  readonly steps: number;
  readonly samplesPerStep: number;
  readonly tokensPerSample: number;
  readonly pace: TrainingPace;
  readonly key: Key;
  readonly data: string;
  readonly exportModel: (folder: string) => Promise<void>;
  private readonly parts: Seq2SeqTaskParts;
  /** All weights, and those that are trained. */
  private readonly weights: Map<string, tf.Variable>;
  private readonly trained: Map<string, tf.Variable>;
  private readonly batchKey: Key;
  private readonly dropoutKeys: DropoutKeys;
  /** The rows of the newest update. */
  private newest: readonly BatchRows[] = [];

  constructor(parts: Seq2SeqTaskParts) {
    const { config } = parts;
    this.parts = parts;
    this.steps = parts.steps;
    this.samplesPerStep = config.batchSize * config.accumulate;
    this.tokensPerSample = parts.model.config.imageLength;
    this.pace = config;
    this.key = prngKey(config.seed);
    this.data = parts.rows.digest;
    this.exportModel = parts.exportModel;
    this.weights = parts.model.namedWeights();
    this.trained = trainedWeights(parts.model, config);
    this.batchKey = foldInNames(this.key, ['batch']);
    this.dropoutKeys =
      config.dropoutKeys === 'original'
        ? originalDropoutKeys(config.seed)
        : countedDropoutKeys(this.batchKey);
  }

  position(step: number): DataPosition {
    return this.parts.rows.position(step);
  }

  async update(step: number): Promise<UpdateResult> {
    const { config, optimizer } = this.parts;
    const rows = await this.parts.rows.update(step);
    this.newest = rows;
    const learningRate = optimizer.schedule(optimizer.step);
    const options = { rematerialize: config.gradientCheckpointing };
    const microBatches = this.microBatches(rows, step);
    if (config.accumulate === 1 && config.clipNorm === null && !statisticsDue(config.log, step + 1)) {
      // Nothing needs all gradients at once.
      const update = new StreamedUpdate(optimizer, this.trained);
      const [micro] = [...microBatches] as [MicroBatch];
      const loss = await seq2seqStreamed(this.parts.model, this.trained, micro, update.take, options);
      const gradientNorm = update.finish((norm) => requireFinite(step, loss, norm, update.changed));
      return { loss, learningRate, metrics: { gradientNorm }, statistics: undefined };
    }
    const { loss, grads } = await seq2seqGradients(this.parts.model, this.trained, microBatches, options);
    const statistics = weightStatistics(config.log, step + 1, grads);
    const gradientNorm = applyUpdate(optimizer, this.trained, grads, config.clipNorm, (norm) =>
      requireFinite(step, loss, norm),
    );
    return { loss, learningRate, metrics: { gradientNorm }, statistics: statistics?.after(this.trained) };
  }

  /** Each row as the model read it: caption, its tokens, what the decoder reads and what it should say; the keys of each micro-batch. */
  async failedBatch(step: number): Promise<FailedBatch> {
    const samples: Record<string, unknown>[] = [];
    let micro = 0;
    for (const { batch } of this.microBatches(this.newest, step)) {
      const { inputIds, attentionMask, decoderInputIds, labels } = batch;
      const targets = tf.reshape(labels, decoderInputIds.shape) as tf.Tensor2D;
      const [text, mask, decoder, tokens] = [inputIds, attentionMask, decoderInputIds, targets].map(
        (tensor) => tensor.arraySync(),
      ) as [number[][], number[][], number[][], number[][]];
      targets.dispose();
      disposeBatch(batch);
      for (const [row, ids] of text.entries()) {
        const textTokens = ids.filter((_, s) => mask[row]?.[s] === 1);
        const caption = this.parts.readText(textTokens);
        samples.push({ micro, caption, textTokens, tokens: tokens[row], decoderInput: decoder[row] });
      }
      micro++;
    }
    const keys = this.newest.map((_, m) => this.keysOf(step * this.parts.config.accumulate + m));
    return { about: { step: step + 1, seed: this.parts.config.seed, keys }, samples };
  }

  private keysOf(micro: number): { readonly noise: Key; readonly dropout: Key } {
    return { noise: microBatchKeys(this.batchKey, micro).noise, dropout: this.dropoutKeys(micro) };
  }

  /** The micro-batches of an update, with their noise. */
  private *microBatches(micros: readonly BatchRows[], step: number): Generator<MicroBatch> {
    const { config, rows } = this.parts;
    const masking = step < config.maskInputs.until * this.steps;
    const noise = {
      blankCaptions: rows.blanked ? 0 : config.data.blankCaptions,
      maskMax: masking ? config.maskInputs.max : 0,
      maskRows: config.maskInputs.rows,
    };
    for (const [micro, part] of micros.entries()) {
      const keys = this.keysOf(step * config.accumulate + micro);
      yield { batch: part.noisy(noise, keys.noise), dropoutKey: keys.dropout };
    }
  }

  /**
   * For each split: `loss` per token with the right captions, `lossBlank` with empty ones, `lossFirstRow` over the picture's first
   * row of tokens, which have only the caption to go by.
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
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (rows === 0)
      throw new DataError(
        `Evaluation set "${name}": no batch of ${this.parts.config.batchSize} rows in it. Filter less, lower batchSize, or leave the set out.`,
      );
    return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / rows]));
  }

  /** Loss of each token, [B·T], without dropout; disposes the batch. */
  private async measure(batch: Seq2SeqBatch): Promise<Float32Array> {
    const losses = tf.tidy(() => tokenLosses(this.parts.model, batch));
    disposeBatch(batch);
    const values = (await losses.data()) as Float32Array;
    losses.dispose();
    return values;
  }

  drawSamples(): Promise<Grid> {
    if (this.parts.samples === null)
      throw new Error('Seq2SeqTask: samples are due, but there is nothing to draw them with.');
    return this.parts.samples.draw();
  }

  checkpointParts(): CheckpointParts {
    return { model: this.weights, optimizer: this.parts.optimizer.state() };
  }
}
