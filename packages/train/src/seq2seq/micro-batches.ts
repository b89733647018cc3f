import { foldInNames, type Key, prngKey } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import type { Seq2SeqConfig } from '../config/seq2seq-config.js';
import { originalDropoutKeys } from '../original/dropout-keys.js';
import { type BatchRows, microBatchKeys } from './batches.js';
import { countedDropoutKeys, type DropoutKeys } from './dropout-keys.js';
import { disposeBatch, type MicroBatch } from './seq2seq-step.js';

/** A row in the form in which the model reads it. */
export interface ReadableRow {
  /** Number of the micro-batch in the update. */
  readonly micro: number;
  /** The text of its tokens, without padding. */
  readonly caption: string;
  readonly textTokens: readonly number[];
  /** The tokens that the decoder should predict, and those that it reads. */
  readonly tokens: readonly number[];
  readonly decoderInput: readonly number[];
}

/**
 * The micro-batches of a run's updates. Their noise depends on the seed and the number of the
 * micro-batch alone.
 */
export class MicroBatches {
  private readonly config: Seq2SeqConfig;
  private readonly steps: number;
  private readonly blanked: boolean;
  private readonly batchKey: Key;
  private readonly dropoutKeys: DropoutKeys;

  /**
   * `steps` is the number of updates of the run. `blanked` says whether rows already have their
   * share of blank captions.
   */
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

  /**
   * Makes the micro-batches of update `step` from its rows, each when it is asked for. The caller
   * disposes them. Of several ranks, rank r makes number r, r + size, ….
   */
  *of(
    rows: readonly BatchRows[],
    step: number,
    { rank, size }: { readonly rank: number; readonly size: number } = { rank: 0, size: 1 },
  ): Generator<MicroBatch> {
    const { config } = this;
    const masking = step < config.maskInputs.until * this.steps;
    const noise = {
      blankCaptions: this.blanked ? 0 : config.data.blankCaptions,
      maskMax: masking ? config.maskInputs.max : 0,
      maskRows: config.maskInputs.rows,
    };
    for (const [micro, part] of rows.entries()) {
      if (micro % size !== rank) continue;
      const keys = this.keysOf(step, micro);
      yield { batch: part.noisy(noise, keys.noise), dropoutKey: keys.dropout };
    }
  }

  /** Returns the keys of an update's micro-batches. */
  keys(rows: readonly BatchRows[], step: number): { readonly noise: Key; readonly dropout: Key }[] {
    return rows.map((_, micro) => this.keysOf(step, micro));
  }

  /**
   * Returns the rows of an update as the model reads them. `readText` returns the text of some of
   * the tokenizer's ids.
   */
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
