import { GoldenArrays, golden } from '@easel/conformance/golden';
import { type AnyBart, goldenBart } from '@easel/conformance/kinds/bart/open-model';
import { inputsOf } from '@easel/conformance/kinds/generation/run-arguments';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { backends } from '../testing/backends.js';
import { type BeamOptions, generateBeams } from './beam-search.js';
import { generateTokens } from './generate.js';

jest.setTimeout(300_000); // a busy machine

describe('beam search', () => {
  const io = new GoldenArrays(golden('generation/eos/io.safetensors'));
  const inputs = inputsOf(io, { rows: [1] });
  let model: AnyBart;

  beforeAll(async () => {
    await tf.setBackend(backends.at(-1) as string);
    model = await goldenBart('generation/eos');
  });
  afterAll(() => {
    model.dispose();
  });

  test('as many beams as continuations: the likeliest of all rows of two tokens', async () => {
    // 41 beams keep every first token, so the search is exhaustive; by hand: all sums of two
    // log-probabilities.
    const settings = { minLength: 2, maxLength: 3, idsBelow: Number.POSITIVE_INFINITY };
    const { tokens, scores } = await generateBeams(model, inputs, { ...settings, beams: 41 });
    const encoded = tf.tidy(() => {
      const text = tf.tensor2d(inputs.inputIds, [1, inputs.length], 'int32');
      const mask = tf.tensor2d(inputs.attentionMask, [1, inputs.length], 'int32');
      const first = tf.tensor2d([[40]], [1, 1], 'int32');
      const state = model.encode(text, mask);
      const start = tf.squeeze(tf.logSoftmax(model.decode(first, state, mask))).dataSync();
      let best = { ids: [-1, -1], score: Number.NEGATIVE_INFINITY };
      for (let a = 0; a < 41; a++) {
        if (a === 5) continue; // the end token comes too early for minLength 2
        const row = tf.tensor2d([[40, a]], [1, 2], 'int32');
        const next = tf
          .logSoftmax(model.decode(row, state, mask))
          .dataSync()
          .subarray(41);
        for (const [b, score] of next.entries()) {
          if (b !== 5 && (start[a] as number) + score > best.score) {
            best = { ids: [a, b], score: (start[a] as number) + score };
          }
        }
      }
      return best;
    });
    expect([...(tokens[0] as Int32Array)]).toEqual(encoded.ids);
    expect(scores[0]).toBeCloseTo(encoded.score, 4);
  });

  test("the config's penalty and stopping are the defaults; ids without a code are left out", async () => {
    const given = await generateBeams(model, inputs, { beams: 3, lengthPenalty: 1, earlyStopping: false });
    const { tokens, scores } = await generateBeams(model, inputs, { beams: 3 });
    expect(tokens).toEqual(given.tokens);
    expect(scores).toEqual(given.scores);
    const few = await generateBeams(model, inputs, { beams: 3, idsBelow: 4 });
    expect(Math.max(...(few.tokens[0] as Int32Array))).toBeLessThan(4);
  });

  test('finds a row at least as likely as taking the likeliest token each time', async () => {
    const settings = { maxLength: 8, idsBelow: Number.POSITIVE_INFINITY, minLength: 8 };
    const { scores, tokens } = await generateBeams(model, inputs, { ...settings, beams: 6 });
    const [greedy] = await generateTokens(model, inputs, { ...settings, greedy: true });
    const sum = (row: Int32Array): number =>
      tf.tidy(() => {
        const text = tf.tensor2d(inputs.inputIds, [1, inputs.length], 'int32');
        const mask = tf.tensor2d(inputs.attentionMask, [1, inputs.length], 'int32');
        const ids = tf.tensor2d([40, ...row.subarray(0, row.length - 1)], [1, row.length], 'int32');
        const logits = model.logits({ inputIds: text, attentionMask: mask, decoderInputIds: ids });
        const flat = tf.logSoftmax(logits).dataSync();
        return row.reduce((total, id, i) => total + (flat[i * 41 + id] as number), 0);
      });
    expect(scores[0]).toBeCloseTo(sum(tokens[0] as Int32Array), 3);
    expect(scores[0]).toBeGreaterThanOrEqual(sum(greedy as Int32Array) - 1e-3);
  });

  test('tells of each step, and stops when asked to, leaving nothing behind', async () => {
    const before = tf.memory().numTensors;
    const control = new AbortController();
    const steps: number[] = [];
    const search = generateBeams(model, inputs, {
      beams: 2,
      signal: control.signal,
      onStep: ({ step, total }) => {
        steps.push(step);
        expect(total).toBe(16);
        if (step === 2) control.abort(new Error('enough'));
      },
    });
    await expect(search).rejects.toThrow('enough');
    expect(steps).toEqual([1, 2]);
    expect(tf.memory().numTensors).toBe(before);
  });

  test.each<[Record<string, unknown>, RegExp]>([
    [{ beams: 0 }, /beams to be a whole number of at least 2, got 0/],
    [{ beams: 1 }, /greedy/],
    [{ beams: 2.5 }, /got 2.5/],
    [{ beams: 2, lengthPenalty: Number.NaN }, /lengthPenalty/],
    [{ beams: 2, lengthPenalty: 99 }, /17\^lengthPenalty is finite, got 99/],
    [{ beams: 2, maxLength: 18 }, /maxLength/],
    [{ beams: 2, conditionScale: 3 }, /no conditionScale/],
    [{ beams: 2, temperature: 2 }, /no temperature/],
  ])('refuses %j', async (options, message) => {
    await expect(generateBeams(model, inputs, options as unknown as BeamOptions)).rejects.toThrow(message);
  });
});
