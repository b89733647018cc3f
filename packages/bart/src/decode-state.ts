import { ShapeError, updateRows } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import type { KeysAndValues } from './attention.js';
import { paddingBias } from './mask.js';

/** Sizes of a DecodeState. */
export interface DecodeRoom {
  /** Number of rows that can be drawn, R. */
  readonly rows: number;
  /** Most image tokens of a row, L. */
  readonly length: number;
  /** Number of texts that rows can look at, E. */
  readonly texts: number;
  /** Most tokens of a text, S. */
  readonly textLength: number;
}

/**
 * Input of one step for B rows: each array has length B. The values of `rows` are pairwise
 * different.
 */
export interface StepRows {
  /** The newest token of each row. */
  readonly ids: Int32Array;
  /**
   * The place of that token in its row, from 0 to L − 1. Earlier steps have fed the tokens before
   * it.
   */
  readonly positions: Int32Array;
  /** The index of the row in the state, from 0 to R − 1. */
  readonly rows: Int32Array;
  /** The index of the text that the row looks at, from 0 to E − 1. */
  readonly texts: Int32Array;
}

/** The tensors that the layers take for one step, made of StepRows. */
export interface StepNumbers {
  readonly positions: tf.Tensor1D;
  /** Number of keys that count in each row: positions + 1. */
  readonly lengths: tf.Tensor1D;
  readonly cacheRows: tf.Tensor1D;
  readonly texts: tf.Tensor1D;
  /** Number of tokens of each row's text. */
  readonly textLengths: tf.Tensor1D;
  /** 0 at tokens and MASKED at padding of each row's text: [B, 1, 1, S]. */
  readonly textBias: tf.Tensor4D;
}

/**
 * Keys and values that one layer keeps: of the rows float32 [R, L, D], of the texts float32 [E, S,
 * D].
 */
export interface LayerCache {
  self: HeldKeysAndValues;
  texts: HeldKeysAndValues;
}

/** KeysAndValues that are replaced one by one. */
interface HeldKeysAndValues {
  keys: tf.Tensor3D;
  values: tf.Tensor3D;
}

/** Texts projected for a decoder's layers, ready to be put into a state. */
export interface ProjectedTexts {
  /** Keys and values for each layer: float32 [n, S′, D], S′ ≤ S. */
  readonly keysAndValues: readonly KeysAndValues[];
  /** int32 [n, S′]: 1 for tokens, 0 for padding. */
  readonly attentionMask: tf.Tensor2D;
  /**
   * How many tokens of each text, counted from its start, rows look at: 1 … S′ (default S′). A
   * length that leaves out the padding at the end saves work.
   */
  readonly lengths?: readonly number[] | undefined;
}

/**
 * The caches of pictures that are being drawn: keys and values of their rows, and of the texts that
 * rows look at. Each row has its own position, and any set of rows may take part in a step. Several
 * rows may look at one text, which is kept once. A row that begins again at position 0 does not see
 * what it held before. ImageTokenModel.startDecoding makes a state; the caller disposes it.
 */
export class DecodeState {
  private held: DecodeRoom;
  private readonly caches: LayerCache[];
  /** [E, S, 1]. */
  private textBias: tf.Tensor3D;
  private textLengths: Int32Array;

  /**
   * Makes caches of zeros for a decoder of `layers` layers of width D. Throws ShapeError for a size
   * that is no whole number from 1.
   */
  constructor(layers: number, width: number, room: DecodeRoom) {
    const { rows, length, texts, textLength } = room;
    for (const [name, size] of Object.entries(room)) {
      if (!(Number.isInteger(size) && size >= 1)) {
        throw new ShapeError(`DecodeState: expected ${name} to be a whole number from 1, got ${size}.`);
      }
    }
    this.held = room;
    const zeros = (count: number, places: number): HeldKeysAndValues => ({
      keys: tf.zeros([count, places, width]),
      values: tf.zeros([count, places, width]),
    });
    this.caches = Array.from({ length: layers }, () => ({
      self: zeros(rows, length),
      texts: zeros(texts, textLength),
    }));
    this.textBias = tf.zeros([texts, textLength, 1]);
    this.textLengths = new Int32Array(texts).fill(textLength);
    this.keepAll();
  }

  /** The present sizes. */
  get room(): DecodeRoom {
    return this.held;
  }

  /** The bytes that the caches take at the present sizes. */
  get bytes(): number {
    const all = [this.textBias, ...this.tensors()];
    return all.reduce((sum, { size, dtype }) => sum + size * tf.util.bytesPerElement(dtype), 0);
  }

  /**
   * Puts n texts into the places from `first` on and overwrites what is there. Throws ShapeError if
   * they don't fit.
   */
  setTexts(first: number, { keysAndValues, attentionMask, lengths }: ProjectedTexts): void {
    const [count, length] = attentionMask.shape;
    const { texts, textLength } = this.held;
    if (!(first >= 0 && first + count <= texts) || length > textLength) {
      throw new ShapeError(
        `DecodeState: expected texts of at most ${textLength} tokens at places 0 to ${texts - 1}, got ${count} of ${length} from place ${first} on.`,
      );
    }
    tf.tidy(() => {
      const cacheRows = tf.range(first, first + count, 1, 'int32');
      const write = (some: tf.Tensor3D) => (all: tf.Tensor3D) => updateRows(all, some, 0, { cacheRows });
      for (const [i, own] of keysAndValues.entries()) {
        const { texts: cache } = this.layerCache(i);
        cache.keys = replaced(cache.keys, write(own.keys));
        cache.values = replaced(cache.values, write(own.values));
      }
      const bias = tf.reshape(paddingBias(attentionMask), [count, length, 1]) as tf.Tensor3D;
      this.textBias = replaced(this.textBias, write(bias));
    });
    for (let i = 0; i < count; i++) this.textLengths[first + i] = lengths?.[i] ?? length;
  }

  /**
   * Makes the tensors of a step. Call it inside tf.tidy. Throws ShapeError for rows, positions or
   * texts that the state does not have.
   */
  numbersOf({ ids, positions, rows, texts }: StepRows): StepNumbers {
    const { held } = this;
    const check = (name: string, values: Int32Array, below: number): void => {
      const wrong = values.find((value) => value < 0 || value >= below);
      if (values.length === ids.length && wrong === undefined) return;
      throw new ShapeError(
        `step: expected ${name} from 0 to ${below - 1} for each of ${ids.length} rows, got ${wrong ?? `${values.length} of them`}.`,
      );
    };
    check('positions', positions, held.length);
    check('rows', rows, held.rows);
    check('texts', texts, held.texts);
    const ints = (values: Int32Array): tf.Tensor1D => tf.tensor1d(values, 'int32');
    const textRows = ints(texts);
    const bias = tf.gather(tf.reshape(this.textBias, [held.texts, held.textLength]), textRows);
    return {
      positions: ints(positions),
      lengths: ints(positions.map((position) => position + 1)),
      cacheRows: ints(rows),
      texts: textRows,
      textLengths: ints(texts.map((text) => this.textLengths[text] as number)),
      textBias: tf.reshape(bias, [ids.length, 1, 1, held.textLength]) as tf.Tensor4D,
    };
  }

  /** The caches of layer i. */
  layerCache(i: number): LayerCache {
    return this.caches[i] as LayerCache;
  }

  /**
   * Replaces the keys and values of layer i's rows and frees the old ones. The state owns the new
   * ones from then on; a tf.tidy around the caller must not dispose them.
   */
  replaceSelf(i: number, self: KeysAndValues): void {
    const cache = this.layerCache(i);
    tf.dispose([cache.self.keys, cache.self.values]);
    cache.self = self;
  }

  /**
   * Copies caches between rows: row i goes on from what row rows[i] has drawn so far. rows: [R].
   */
  reorder(rows: Int32Array): void {
    if (rows.every((from, row) => from === row)) return;
    const order = tf.tensor1d(rows, 'int32');
    for (const [i, { self }] of this.caches.entries()) {
      this.replaceSelf(i, { keys: tf.gather(self.keys, order), values: tf.gather(self.values, order) });
    }
    order.dispose();
  }

  /**
   * Makes room for `rows` rows and `texts` texts. What the state holds stays. If it throws, for lack
   * of memory, the state works on at its old sizes.
   */
  grow(rows: number, texts: number): void {
    const extend = (to: number) => (all: tf.Tensor3D) => {
      const [had, places, width] = all.shape;
      return had >= to ? all : tf.concat([all, tf.zeros([to - had, places, width]) as tf.Tensor3D]);
    };
    for (const { self, texts: ofTexts } of this.caches) {
      for (const part of ['keys', 'values'] as const) {
        self[part] = replaced(self[part], extend(rows));
        ofTexts[part] = replaced(ofTexts[part], extend(texts));
      }
    }
    this.textBias = replaced(this.textBias, extend(texts));
    const { rows: oldRows, texts: oldTexts } = this.held;
    this.held = { ...this.held, rows: Math.max(rows, oldRows), texts: Math.max(texts, oldTexts) };
    const lengths = new Int32Array(this.held.texts).fill(this.held.textLength);
    lengths.set(this.textLengths);
    this.textLengths = lengths;
  }

  /** Frees the caches. */
  dispose(): void {
    tf.dispose([this.textBias, ...this.tensors()]);
  }

  /** Keeps the tensors alive through a tf.tidy around the caller. */
  private keepAll(): void {
    for (const tensor of [this.textBias, ...this.tensors()]) tf.keep(tensor);
  }

  private tensors(): tf.Tensor[] {
    return this.caches.flatMap(({ self, texts }) => [self.keys, self.values, texts.keys, texts.values]);
  }
}

/**
 * Returns what `make` makes of a tensor, and frees the tensor. If `make` throws, the tensor stays.
 * The result outlives a tf.tidy around the caller.
 */
function replaced(old: tf.Tensor3D, make: (old: tf.Tensor3D) => tf.Tensor3D): tf.Tensor3D {
  const made = tf.keep(tf.tidy(() => make(old)));
  if (made !== old) old.dispose();
  return made;
}
