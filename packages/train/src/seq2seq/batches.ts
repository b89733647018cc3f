import { foldIn, type Key, split, uniform } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import type { EncodedSet } from '../encoded/encoded-set.js';

/**
 * Text tokens of some captions, in the form that a tokenizer gives: [captions, maxLength] each, row
 * by row.
 */
export interface TokenizedCaptions {
  readonly inputIds: Int32Array;
  readonly attentionMask: Int32Array;
}

/** The input of a seq2seq step: B rows, S text tokens, T image tokens. All tensors are int32. */
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

/** Settings of turning rows into batches. */
export interface BatchSettings {
  readonly maxTextLength: number;
  /** The token that the decoder reads first, and in place of masked tokens. */
  readonly startToken: number;
  /**
   * Whether captions are padded to the longest one of the batch, rounded up to 8 tokens, in place
   * of maxTextLength.
   */
  readonly trimText: boolean;
  /** Turns texts into tokens, padded and cut to maxTextLength. */
  readonly tokenize: (texts: string[]) => TokenizedCaptions;
}

/** The random parts of a training batch. For masking see `Seq2SeqConfig.maskInputs`. */
export interface BatchNoise {
  readonly blankCaptions: number;
  readonly maskMax: number;
  readonly maskRows: number;
}

/** Texts are tokenized this many at a time, so that no huge list of lists exists. */
const TOKENIZE_CHUNK = 4096;

/** A caption's tokens: `ids` [maxTextLength], of which the first `length` are text. */
export interface TokenizedText {
  readonly ids: Int32Array;
  readonly length: number;
}

/** A row that is ready to be put into tensors. */
export interface TokenizedRow {
  readonly text: TokenizedText;
  /** [imageLength] */
  readonly encoding: ArrayLike<number>;
}

/** Tokenizes texts and keeps their order. */
export function tokenizeTexts(
  texts: readonly string[],
  { maxTextLength, tokenize }: Pick<BatchSettings, 'maxTextLength' | 'tokenize'>,
): TokenizedText[] {
  const tokenized: TokenizedText[] = [];
  for (let start = 0; start < texts.length; start += TOKENIZE_CHUNK) {
    const chunk = texts.slice(start, start + TOKENIZE_CHUNK);
    const { inputIds, attentionMask } = tokenize(chunk);
    for (let i = 0; i < chunk.length; i++) {
      const [from, to] = [i * maxTextLength, (i + 1) * maxTextLength];
      const length = attentionMask.subarray(from, to).reduce((sum, mask) => sum + mask, 0);
      tokenized.push({ ids: inputIds.subarray(from, to), length });
    }
  }
  return tokenized;
}

/**
 * Some rows of a set, from which a batch is made: clean, or with noise for training. The caller
 * disposes the batch's tensors.
 */
export class BatchRows {
  private readonly rows: readonly TokenizedRow[];
  private readonly blank: TokenizedText;
  private readonly settings: Omit<BatchSettings, 'tokenize'>;

  /** `blank` holds the tokens of the empty caption. */
  constructor(
    rows: readonly TokenizedRow[],
    blank: TokenizedText,
    settings: Omit<BatchSettings, 'tokenize'>,
  ) {
    this.rows = rows;
    this.blank = blank;
    this.settings = settings;
  }

  get count(): number {
    return this.rows.length;
  }

  /** Makes a batch of the rows as they are. `blank` gives all rows the empty caption. */
  clean(options: { readonly blank?: boolean } = {}): Seq2SeqBatch {
    return this.assemble(this.rows.map(({ text }) => (options.blank ? this.blank : text)));
  }

  /** Makes a training batch of the rows. The same key gives the same batch. */
  noisy(noise: BatchNoise, key: Key): Seq2SeqBatch {
    const { rows } = this;
    const [blankKey, rowKey, rateKey, tokenKey] = split(key, 4) as [Key, Key, Key, Key];
    const blank = uniform(blankKey, [rows.length]);
    const texts = rows.map(({ text }, b) => ((blank[b] as number) < noise.blankCaptions ? this.blank : text));
    if (noise.maskMax === 0) return this.assemble(texts);
    const imageLength = rows[0]?.encoding.length ?? 0;
    const masked = uniform(rowKey, [rows.length]);
    const rates = uniform(rateKey, [rows.length]);
    const draws = uniform(tokenKey, [rows.length, imageLength]);
    return this.assemble(texts, (b, t) => {
      const rate = (masked[b] as number) < noise.maskRows ? (rates[b] as number) * noise.maskMax : 0;
      return (draws[b * imageLength + t] as number) < rate;
    });
  }

  private assemble(
    texts: readonly TokenizedText[],
    isMasked?: (b: number, t: number) => boolean,
  ): Seq2SeqBatch {
    const { maxTextLength, startToken, trimText } = this.settings;
    const { rows } = this;
    const imageLength = rows[0]?.encoding.length ?? 0;
    const longest = Math.max(...texts.map((text) => text.length));
    const textLength = trimText ? paddedLength(longest, maxTextLength) : maxTextLength;
    const inputIds = new Int32Array(rows.length * textLength);
    const attentionMask = new Int32Array(rows.length * textLength);
    const decoderInputIds = new Int32Array(rows.length * imageLength);
    const labels = new Int32Array(rows.length * imageLength);
    for (const [b, { encoding }] of rows.entries()) {
      const { ids, length } = texts[b] as TokenizedText;
      inputIds.set(ids.subarray(0, textLength), b * textLength);
      attentionMask.fill(1, b * textLength, b * textLength + Math.min(textLength, length));
      const to = b * imageLength;
      labels.set(encoding, to);
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

function paddedLength(length: number, maxTextLength: number): number {
  return Math.min(maxTextLength, Math.ceil(length / 8) * 8);
}

/**
 * The batches of an encoded set in memory. Every different caption is tokenized once, in the
 * constructor.
 */
export class Seq2SeqBatches {
  readonly set: EncodedSet;
  private readonly settings: BatchSettings;
  /** Every different caption, followed by the empty one. */
  private readonly texts: readonly TokenizedText[];
  /** Index of each row's text. */
  private readonly textOfRow: Int32Array;

  constructor(set: EncodedSet, settings: BatchSettings) {
    this.set = set;
    this.settings = settings;
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
    this.texts = tokenizeTexts([...numbers.keys(), ''], settings);
  }

  /** Text tokens of a row, padding included, of the longest batch that there can be. */
  get textLength(): number {
    const { maxTextLength, trimText } = this.settings;
    const longest = this.texts.reduce((most, { length }) => Math.max(most, length), 0);
    return trimText ? paddedLength(longest, maxTextLength) : maxTextLength;
  }

  /** Returns these rows, from which a batch can be made. */
  rows(rows: ArrayLike<number>): BatchRows {
    const { encodings, imageLength } = this.set;
    const tokenized = Array.from(rows, (row) => ({
      text: this.texts[this.textOfRow[row] as number] as TokenizedText,
      encoding: encodings.subarray(row * imageLength, (row + 1) * imageLength),
    }));
    return new BatchRows(tokenized, this.texts.at(-1) as TokenizedText, this.settings);
  }
}

/**
 * Returns the keys of micro-batch n of a run for everything random in it: one for its noise, one
 * for its dropout.
 */
export function microBatchKeys(runKey: Key, n: number): { readonly noise: Key; readonly dropout: Key } {
  const [noise, dropout] = split(foldIn(runKey, n)) as [Key, Key];
  return { noise, dropout };
}
