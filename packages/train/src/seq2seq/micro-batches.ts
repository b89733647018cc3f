import { foldInNames, type Key, prngKey } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import type { Seq2SeqConfig } from '../config/seq2seq-config.js';
import { originalDropoutKeys } from '../original/dropout-keys.js';
import { type BatchRows, microBatchKeys } from './batches.js';
import { countedDropoutKeys, type DropoutKeys } from './dropout-keys.js';
import { disposeBatch, type MicroBatch } from './seq2seq-step.js';

/** A row as the model reads it. */
export interface ReadableRow {
  /** Micro-batch of the update. */
  readonly micro: number;
  /** The text that its tokens make, padding left out. */
  readonly caption: string;
  readonly textTokens: readonly number[];
  /** What the decoder should say, and what it reads. */
  readonly tokens: readonly number[];
  readonly decoderInput: readonly number[];
}

/** The micro-batches of a run's updates: its rows, with noise that follows from the seed and their number alone. */
export class MicroBatches {
  private readonly config: Seq2SeqConfig;
  private readonly steps: number;
  private readonly blanked: boolean;
  private readonly batchKey: Key;
  private readonly dropoutKeys: DropoutKeys;

  /** `steps`: updates of the run. `blanked`: whether rows come with their share of blank captions. */
  constructor(config: Seq2SeqConfig, steps: number, blanked: boolean) {
    this.config = config;
    this.steps = steps;
    this.blanked = blanked;
    this.batchKey = foldInNames(prngKey(config.seed), ['batch']);
    this.dropoutKeys =
      config.dropoutKeys === 'original'
        ? originalDropoutKeys(config.seed)
        : countedDropoutKeys(this.batchKey);
  }

  /** Those of update `step` for its rows, made as they are asked for; the caller disposes them. */
  *of(rows: readonly BatchRows[], step: number): Generator<MicroBatch> {
    const { config } = this;
    const masking = step < config.maskInputs.until * this.steps;
    const noise = {
      blankCaptions: this.blanked ? 0 : config.data.blankCaptions,
      maskMax: masking ? config.maskInputs.max : 0,
      maskRows: config.maskInputs.rows,
    };
    for (const [micro, part] of rows.entries()) {
      const keys = this.keysOf(step, micro);
      yield { batch: part.noisy(noise, keys.noise), dropoutKey: keys.dropout };
    }
  }

  /** The keys of an update's micro-batches. */
  keys(rows: readonly BatchRows[], step: number): { readonly noise: Key; readonly dropout: Key }[] {
    return rows.map((_, micro) => this.keysOf(step, micro));
  }

  /** The rows of an update as the model reads them. `readText`: the text of some of the tokenizer's ids. */
  async readable(
    rows: readonly BatchRows[],
    step: number,
    readText: (ids: readonly number[]) => string,
  ): Promise<ReadableRow[]> {
    const readable: ReadableRow[] = [];
    let micro = 0;
    for (const { batch } of this.of(rows, step)) {
      const { inputIds, attentionMask, decoderInputIds, labels } = batch;
      const targets = tf.reshape(labels, decoderInputIds.shape) as tf.Tensor2D;
      const [text, mask, decoder, tokens] = (await Promise.all(
        [inputIds, attentionMask, decoderInputIds, targets].map((tensor) => tensor.array()),
      )) as [number[][], number[][], number[][], number[][]];
      targets.dispose();
      disposeBatch(batch);
      for (const [row, ids] of text.entries()) {
        const textTokens = ids.filter((_, s) => mask[row]?.[s] === 1);
        readable.push({
          micro,
          caption: readText(textTokens),
          textTokens,
          tokens: tokens[row] as number[],
          decoderInput: decoder[row] as number[],
        });
      }
      micro++;
    }
    return readable;
  }

  private keysOf(step: number, micro: number): { readonly noise: Key; readonly dropout: Key } {
    const n = step * this.config.accumulate + micro;
    return { noise: microBatchKeys(this.batchKey, n).noise, dropout: this.dropoutKeys(n) };
  }
}
