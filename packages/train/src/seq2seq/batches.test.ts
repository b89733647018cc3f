import { foldIn, prngKey } from '@easel/core';
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import type { EncodedSet } from '../encoded/encoded-set.js';
import { type BatchSettings, microBatchKeys, type Seq2SeqBatch, Seq2SeqBatches } from './batches.js';

/** Three rows of four tokens, two of them with the same caption. */
const set: EncodedSet = {
  description: 'test',
  captions: ['one two', 'one', 'one two'],
  encodings: Uint16Array.of(10, 11, 12, 13, 20, 21, 22, 23, 30, 31, 32, 33),
  rows: 3,
  leftOut: {},
  imageLength: 4,
  pictures: Int32Array.of(0, 1, 2),
  digest: '',
};

/** A tokenizer of one token a letter (its character code), between 0 and 2, padded with 1; counts what it was given. */
function letters(maxTextLength: number, seen: string[] = []): BatchSettings {
  return {
    maxTextLength,
    startToken: 99,
    trimText: true,
    tokenize: (texts) => {
      seen.push(...texts);
      const inputIds = new Int32Array(texts.length * maxTextLength).fill(1);
      const attentionMask = new Int32Array(texts.length * maxTextLength);
      for (const [i, text] of texts.entries()) {
        const ids = [0, ...[...text].map((letter) => letter.charCodeAt(0)), 2].slice(0, maxTextLength);
        inputIds.set(ids, i * maxTextLength);
        attentionMask.fill(1, i * maxTextLength, i * maxTextLength + ids.length);
      }
      return { inputIds, attentionMask };
    },
  };
}

const quiet = { blankCaptions: 0, maskMax: 0, maskRows: 1 };
const values = (batch: Seq2SeqBatch) => ({
  inputIds: batch.inputIds.arraySync(),
  attentionMask: batch.attentionMask.arraySync(),
  decoderInputIds: batch.decoderInputIds.arraySync(),
  labels: batch.labels.arraySync(),
});
const codes = (text: string) => [...text].map((letter) => letter.charCodeAt(0));

test('a clean batch: tokens, mask, labels, and the labels shifted behind the start token', () => {
  const batches = new Seq2SeqBatches(set, letters(16));
  const batch = batches.rows([1, 0]).clean();
  expect([batch.inputIds, batch.decoderInputIds, batch.labels].map((tensor) => tensor.dtype)).toEqual(
    Array(3).fill('int32'),
  );
  expect(values(batch)).toEqual({
    // the longest caption has 9 tokens: padded to 16, the next multiple of 8
    inputIds: [
      [0, ...codes('one'), 2, ...Array(11).fill(1)],
      [0, ...codes('one two'), 2, ...Array(7).fill(1)],
    ],
    attentionMask: [
      [...Array(5).fill(1), ...Array(11).fill(0)],
      [...Array(9).fill(1), ...Array(7).fill(0)],
    ],
    decoderInputIds: [
      [99, 20, 21, 22],
      [99, 10, 11, 12],
    ],
    labels: [20, 21, 22, 23, 10, 11, 12, 13],
  });
});

test('text is trimmed to a multiple of 8, never beyond the longest that the model takes, and only if asked', () => {
  expect(new Seq2SeqBatches(set, letters(32)).rows([1]).clean().inputIds.shape).toEqual([1, 8]);
  expect(new Seq2SeqBatches(set, letters(32)).rows([0]).clean().inputIds.shape).toEqual([1, 16]);
  expect(new Seq2SeqBatches(set, letters(10)).rows([0]).clean().inputIds.shape).toEqual([1, 10]);
  expect(
    new Seq2SeqBatches(set, { ...letters(32), trimText: false }).rows([1]).clean().inputIds.shape,
  ).toEqual([1, 32]);
});

test('every different caption is tokenized once', () => {
  const seen: string[] = [];
  const batches = new Seq2SeqBatches(set, letters(16, seen));
  batches.rows([0, 1, 2]).clean();
  batches.rows([0, 1, 2]).noisy(quiet, prngKey(0));
  expect(seen).toEqual(['one two', 'one', '']);
});

describe('noise', () => {
  const batches = new Seq2SeqBatches(set, letters(16));
  const rows = Array.from({ length: 400 }, (_, i) => i % 3);

  test('none asked for: the clean batch', () => {
    expect(values(batches.rows([2, 1]).noisy(quiet, prngKey(5)))).toEqual(
      values(batches.rows([2, 1]).clean()),
    );
  });

  test('the same key gives the same batch, another one another', () => {
    const noise = { blankCaptions: 0.5, maskMax: 1, maskRows: 0.75 };
    const first = values(batches.rows(rows).noisy(noise, prngKey(5)));
    expect(values(batches.rows(rows).noisy(noise, prngKey(5)))).toEqual(first);
    expect(values(batches.rows(rows).noisy(noise, prngKey(6)))).not.toEqual(first);
  });

  test('blank captions are the empty text, about as often as asked; labels stay', () => {
    const { inputIds, labels } = values(
      batches.rows(rows).noisy({ ...quiet, blankCaptions: 0.25 }, prngKey(1)),
    );
    const blank = inputIds.filter((row) => row[1] === 2);
    for (const row of blank) expect(row.slice(0, 4)).toEqual([0, 2, 1, 1]);
    expect(blank.length / rows.length).toBeGreaterThan(0.18);
    expect(blank.length / rows.length).toBeLessThan(0.32);
    expect(labels).toEqual(values(batches.rows(rows).clean()).labels);
  });

  test('all blank: the shortest text', () => {
    const batch = batches.rows([0, 1]).noisy({ ...quiet, blankCaptions: 1 }, prngKey(1));
    expect(batch.inputIds.shape).toEqual([2, 8]);
    expect(values(batch)).toEqual(values(batches.rows([0, 1]).clean({ blank: true })));
  });

  test('masked inputs become the start token in the asked share of rows, at half the largest rate on average', () => {
    const noise = { blankCaptions: 0, maskMax: 0.8, maskRows: 0.5 };
    const { decoderInputIds, labels } = values(batches.rows(rows).noisy(noise, prngKey(2)));
    const clean = values(batches.rows(rows).clean());
    expect(labels).toEqual(clean.labels);
    let masked = 0;
    for (const [b, row] of decoderInputIds.entries())
      for (const [t, id] of row.entries()) {
        if (id !== clean.decoderInputIds[b]?.[t]) {
          expect(id).toBe(99);
          expect(t).toBeGreaterThan(0);
          masked++;
        }
      }
    // expected share 0.5 · 0.4 = 0.2 of 1200 tokens; standard deviation with rows as units about 0.013
    expect(masked / 1200).toBeGreaterThan(0.15);
    expect(masked / 1200).toBeLessThan(0.25);
  });

  test('a rate above 1 masks whole rows', () => {
    const noise = { blankCaptions: 0, maskMax: 4, maskRows: 1 };
    const { decoderInputIds } = values(batches.rows(rows).noisy(noise, prngKey(2)));
    const whole = decoderInputIds.filter((row) => row.every((id) => id === 99)).length;
    expect(whole / rows.length).toBeGreaterThan(0.7); // at least P(rate > 1) = 0.75, less chance
  });
});

test('keys of micro-batches differ from each other and between noise and dropout', () => {
  const keys = [0, 1].flatMap((n) => Object.values(microBatchKeys(foldIn(prngKey(0), 1), n)));
  expect(new Set(keys.map(String)).size).toBe(4);
});

test("tensors are the caller's, none is left behind", () => {
  const before = tf.memory().numTensors;
  const batches = new Seq2SeqBatches(set, letters(16));
  const batch = batches.rows([0, 1]).noisy({ blankCaptions: 0.5, maskMax: 1, maskRows: 1 }, prngKey(0));
  tf.dispose([batch.inputIds, batch.attentionMask, batch.decoderInputIds, batch.labels]);
  expect(tf.memory().numTensors).toBe(before);
});
