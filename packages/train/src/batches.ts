import { foldIn, type Key, split, uniform } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import type { EncodedSet } from './data/encoded-set.js';

/** Text tokens of some captions, as a tokenizer gives them: [captions, maxLength] each, row by row. */
export interface TokenizedCaptions {
  readonly inputIds: Int32Array;
  readonly attentionMask: Int32Array;
}

/** What a seq2seq step reads. B rows, S text tokens, T image tokens; all int32. */
export interface Seq2SeqBatch {
  /** [B, S] */
  readonly inputIds: tf.Tensor2D;
  /** [B, S], 1 where there is text. */
  readonly attentionMask: tf.Tensor2D;
  /** [B, T]: the start token, then the labels but the last. */
  readonly decoderInputIds: tf.Tensor2D;
  /** [B·T] */
  readonly labels: tf.Tensor1D;
}

/** How rows become batches. */
export interface BatchSettings {
  readonly maxTextLength: number;
  /** What the decoder reads first, and in place of masked tokens. */
  readonly startToken: number;
  /** Pad to the longest caption of the batch, rounded up to 8 tokens, and not to maxTextLength. */
  readonly trimText: boolean;
  /** Turns texts into tokens, padded and cut to maxTextLength. */
  readonly tokenize: (texts: string[]) => TokenizedCaptions;
}

/** What is random in a training batch. Masking: see `Seq2SeqConfig.maskInputs`. */
export interface BatchNoise {
  readonly blankCaptions: number;
  readonly maskMax: number;
  readonly maskRows: number;
}

/** Texts are tokenized this many at a time, so that no huge list of lists exists. */
const tokenizeChunk = 4096;

/** The batches of an encoded set. Every different caption is tokenized once, in the constructor. */
export class Seq2SeqBatches {
  readonly set: EncodedSet;
  private readonly settings: BatchSettings;
  /** Token ids of text u at [u·maxTextLength, …); the last text is the empty one. */
  private readonly textIds: Int32Array;
  private readonly textLengths: Int32Array;
  /** Text of each row. */
  private readonly textOfRow: Int32Array;
  private readonly blankText: number;

  constructor(set: EncodedSet, settings: BatchSettings) {
    this.set = set;
    this.settings = settings;
    const { maxTextLength } = settings;
    const numbers = new Map<string, number>();
    this.textOfRow = new Int32Array(set.captions.length);
    for (const [row, caption] of set.captions.entries()) {
      let number = numbers.get(caption);
      if (number === undefined) {
        number = numbers.size;
        numbers.set(caption, number);
      }
      this.textOfRow[row] = number;
    }
    const texts = [...numbers.keys(), ''];
    this.blankText = texts.length - 1;
    this.textIds = new Int32Array(texts.length * maxTextLength);
    this.textLengths = new Int32Array(texts.length);
    for (let start = 0; start < texts.length; start += tokenizeChunk) {
      const chunk = texts.slice(start, start + tokenizeChunk);
      const { inputIds, attentionMask } = settings.tokenize(chunk);
      this.textIds.set(inputIds, start * maxTextLength);
      for (let i = 0; i < chunk.length; i++) {
        let length = 0;
        for (let s = 0; s < maxTextLength; s++) length += attentionMask[i * maxTextLength + s] as number;
        this.textLengths[start + i] = length;
      }
    }
  }

  /** The rows as a clean batch; `blank` takes the empty caption for all. The caller disposes the tensors. */
  clean(rows: ArrayLike<number>, options: { readonly blank?: boolean } = {}): Seq2SeqBatch {
    const texts = Array.from(rows, (row) =>
      options.blank ? this.blankText : (this.textOfRow[row] as number),
    );
    return this.assemble(rows, texts);
  }

  /** The rows as a training batch. The same key gives the same batch. The caller disposes the tensors. */
  noisy(rows: ArrayLike<number>, noise: BatchNoise, key: Key): Seq2SeqBatch {
    const [blankKey, rowKey, rateKey, tokenKey] = split(key, 4) as [Key, Key, Key, Key];
    const blank = uniform(blankKey, [rows.length]);
    const texts = Array.from(rows, (row, b) =>
      (blank[b] as number) < noise.blankCaptions ? this.blankText : (this.textOfRow[row] as number),
    );
    if (noise.maskMax === 0) return this.assemble(rows, texts);
    const { imageLength } = this.set;
    const masked = uniform(rowKey, [rows.length]);
    const rates = uniform(rateKey, [rows.length]);
    const draws = uniform(tokenKey, [rows.length, imageLength]);
    return this.assemble(rows, texts, (b, t) => {
      const rate = (masked[b] as number) < noise.maskRows ? (rates[b] as number) * noise.maskMax : 0;
      return (draws[b * imageLength + t] as number) < rate;
    });
  }

  private assemble(
    rows: ArrayLike<number>,
    texts: readonly number[],
    isMasked?: (b: number, t: number) => boolean,
  ): Seq2SeqBatch {
    const { maxTextLength, startToken, trimText } = this.settings;
    const { encodings, imageLength } = this.set;
    const longest = Math.max(...texts.map((text) => this.textLengths[text] as number));
    const textLength = trimText ? Math.min(maxTextLength, Math.ceil(longest / 8) * 8) : maxTextLength;
    const inputIds = new Int32Array(rows.length * textLength);
    const attentionMask = new Int32Array(rows.length * textLength);
    const decoderInputIds = new Int32Array(rows.length * imageLength);
    const labels = new Int32Array(rows.length * imageLength);
    for (const [b, text] of texts.entries()) {
      const from = text * maxTextLength;
      inputIds.set(this.textIds.subarray(from, from + textLength), b * textLength);
      attentionMask.fill(
        1,
        b * textLength,
        b * textLength + Math.min(textLength, this.textLengths[text] as number),
      );
      const row = rows[b] as number;
      const to = b * imageLength;
      labels.set(encodings.subarray(row * imageLength, (row + 1) * imageLength), to);
      decoderInputIds[to] = startToken;
      for (let t = 1; t < imageLength; t++)
        decoderInputIds[to + t] = isMasked?.(b, t - 1) ? startToken : (labels[to + t - 1] as number);
    }
    return {
      inputIds: tf.tensor2d(inputIds, [rows.length, textLength], 'int32'),
      attentionMask: tf.tensor2d(attentionMask, [rows.length, textLength], 'int32'),
      decoderInputIds: tf.tensor2d(decoderInputIds, [rows.length, imageLength], 'int32'),
      labels: tf.tensor1d(labels, 'int32'),
    };
  }
}

/** The key of micro-batch n of a run, for everything random in it: its noise first, its dropout second. */
export function microBatchKeys(runKey: Key, n: number): { readonly noise: Key; readonly dropout: Key } {
  const [noise, dropout] = split(foldIn(runKey, n)) as [Key, Key];
  return { noise, dropout };
}
