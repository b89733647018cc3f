import { GoldenArrays, golden } from '@easel/conformance/golden';
import { fillByFormula } from '@easel/conformance/kinds/bart/formula-weights';
import { type AnyBart, goldenBart } from '@easel/conformance/kinds/bart/open-model';
import { prngKey } from '@easel/core';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { backends } from '../testing/backends.js';
import { parseDalleBartConfig } from './config.js';
import { type GenerateOptions, generateTokens } from './generate.js';
import { DalleBart } from './model.js';
import type { GenerateInputs } from './text-inputs.js';

jest.setTimeout(300_000); // a busy machine

describe("min-dalle's rule", () => {
  describe.each(backends)('on %s', (backend) => {
    let model: AnyBart;
    beforeAll(async () => {
      await tf.setBackend(backend);
      model = await goldenBart('generation/plain');
    });
    afterAll(() => {
      model.dispose();
    });

    const io = new GoldenArrays(golden('generation/min_dalle/io.safetensors'));
    const [, length] = io.shape('text_tokens') as [number, number];
    const ids = io.ints('text_tokens');
    const mask = ids.map((id) => Number(id !== 1));
    const inputs: GenerateInputs = {
      inputIds: ids.slice(length),
      attentionMask: mask.slice(length),
      uncondInputIds: ids.slice(0, length),
      uncondAttentionMask: mask.slice(0, length),
      rows: 1,
      length,
    };

    test('draws among the codes only, never ends early, and top-k 1 is greedy', async () => {
      const settings = { rule: 'min-dalle', conditionScale: 4 } as const;
      const [likeliest] = await generateTokens(model, inputs, { ...settings, greedy: true });
      for (let seed = 0; seed < 3; seed++) {
        const [row] = await generateTokens(model, inputs, { ...settings, key: prngKey(seed), topK: 1 });
        expect(row).toEqual(likeliest);
        const wild = { ...settings, key: prngKey(seed), temperature: 50 };
        const [drawn] = await generateTokens(model, inputs, wild);
        expect(Math.max(...(drawn as Int32Array))).toBeLessThan(40);
        expect(drawn).not.toEqual(likeliest);
      }
    });

    test.each<[GenerateOptions, RegExp]>([
      [{ topK: 0 }, /from 1 to 40 \(min-dalle/],
      [{ topK: 41 }, /from 1 to 40/],
      [{ temperature: 0 }, /temperature/],
      [{ topP: 0.5 }, /has no topP/],
      [{ minLength: 3 }, /has no minLength/],
    ])('refuses %j', async (options, message) => {
      await expect(generateTokens(model, inputs, { rule: 'min-dalle', ...options })).rejects.toThrow(message);
    });
  });
});

describe('super conditioning by formula', () => {
  const config = parseDalleBartConfig({
    encoder_vocab_size: 30,
    image_vocab_size: 20,
    image_length: 16,
    max_text_length: 8,
    encoder_layers: 2,
    decoder_layers: 2,
    encoder_ffn_dim: 6,
    decoder_ffn_dim: 10,
    encoder_attention_heads: 2,
    decoder_attention_heads: 2,
    d_model: 4,
    dropout: 0,
  });
  let model: DalleBart;
  const inputs: GenerateInputs = {
    inputIds: Int32Array.of(0, 5, 6, 7, 2, 1, 1, 1),
    attentionMask: Int32Array.of(1, 1, 1, 1, 1, 0, 0, 0),
    uncondInputIds: Int32Array.of(0, 2, 1, 1, 1, 1, 1, 1),
    uncondAttentionMask: Int32Array.of(1, 1, 0, 0, 0, 0, 0, 0),
    rows: 1,
    length: 8,
  };
  const likeliest = { greedy: true, minLength: 0, idsBelow: Number.POSITIVE_INFINITY };

  beforeAll(async () => {
    await tf.setBackend('cpu');
    model = new DalleBart(config);
    fillByFormula(model);
  });
  afterAll(() => {
    model.dispose();
  });

  test.each([
    [1, [17, 9, 9, 10, 9, 18, 9, 9, 2, 18, 9, 10, 9, 2, 8, 2]],
    [3, [19, 8, 17, 8, 1, 0, 0, 10, 10, 16, 16, 10, 10, 8, 18, 10]],
    [10, [3, 2, 12, 7, 15, 0, 7, 10, 10, 17, 0, 10, 10, 10, 10, 11]],
  ])('scale %d', async (conditionScale, expected) => {
    const [row] = await generateTokens(model, inputs, { ...likeliest, conditionScale });
    expect([...(row as Int32Array)]).toEqual(expected);
  });

  test('ids without a code are never drawn, and rows do not end early', async () => {
    for (let seed = 0; seed < 5; seed++) {
      const [row] = await generateTokens(model, inputs, { key: prngKey(seed), topK: 0, temperature: 50 });
      expect(Math.max(...(row as Int32Array))).toBeLessThan(20);
    }
    const [row] = await generateTokens(model, inputs, { key: prngKey(0), topK: 0, idsBelow: 3 });
    expect(Math.max(...(row as Int32Array))).toBeLessThan(3);
  });

  test('with a key of its own a row is drawn as if it were alone', async () => {
    const twice = (ids: Int32Array | undefined) =>
      Int32Array.of(...(ids as Int32Array), ...(ids as Int32Array));
    const two: GenerateInputs = {
      inputIds: twice(inputs.inputIds),
      attentionMask: twice(inputs.attentionMask),
      uncondInputIds: twice(inputs.uncondInputIds),
      uncondAttentionMask: twice(inputs.uncondAttentionMask),
      rows: 2,
      length: 8,
    };
    const rowKeys = [prngKey(3), prngKey(4)];
    const settings = { topK: 0, temperature: 2, conditionScale: 3 };
    const together = await generateTokens(model, two, { ...settings, rowKeys });
    const alone = [];
    for (const key of rowKeys) alone.push(...(await generateTokens(model, inputs, { ...settings, key })));
    expect(together).toEqual(alone);
    expect(together[0]).not.toEqual(together[1]);
    await expect(generateTokens(model, two, { rowKeys: [prngKey(3)] })).rejects.toThrow(
      'a key for each of 2 rows; got 1.',
    );
    await expect(generateTokens(model, two, { rowKeys, key: prngKey(0) })).rejects.toThrow('got 2 and key.');
  });

  test('tells of each token, and stops when asked to, leaving nothing behind', async () => {
    const steps: number[] = [];
    const before = tf.memory().numTensors;
    const control = new AbortController();
    const drawing = generateTokens(model, inputs, {
      signal: control.signal,
      onToken: ({ step, total, tokens }) => {
        steps.push(step);
        expect([total, tokens.length]).toEqual([16, 1]);
        if (step === 3) control.abort(new Error('enough'));
      },
    });
    await expect(drawing).rejects.toThrow('enough');
    expect(steps).toEqual([1, 2, 3]);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('the event loop turns between tokens', async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 0);
    await generateTokens(model, inputs, likeliest);
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(0);
  });

  test.each<[Partial<GenerateInputs>, GenerateOptions, RegExp]>([
    [{}, { temperature: 0 }, /temperature: expected a number above 0, got 0/],
    [{}, { topK: -1 }, /top-k/],
    [{}, { topK: 2.5 }, /top-k/],
    [{}, { topP: -0.1 }, /top-p/],
    [{}, { maxLength: 18 }, /maxLength to be a whole number from 2 to 17/],
    [{}, { maxLength: 1 }, /maxLength/],
    [{}, { minLength: -1 }, /minLength/],
    [{}, { conditionScale: Number.NaN }, /conditionScale/],
    [{}, { decoderStartTokenId: 21 }, /decoderStartTokenId from 0 to 20/],
    [{}, { forcedBosTokenId: 21 }, /forced token id from 0 to 20/],
    [{}, { idsBelow: 0 }, /idsBelow/],
    [{ length: 9 }, {}, /at most 8 text tokens/],
    [{ rows: 2 }, {}, /expected 16 text ids/],
    [{ inputIds: Int32Array.of(0, 5, 6, 30, 2, 1, 1, 1) }, {}, /text id 30 is outside/],
  ])('refuses %j %j', async (change, options, message) => {
    await expect(generateTokens(model, { ...inputs, ...change }, options)).rejects.toThrow(message);
  });

  test('refuses super conditioning without the rows of "no prompt"', async () => {
    const { uncondInputIds: _ids, uncondAttentionMask: _mask, ...bare } = inputs;
    await expect(generateTokens(model, bare, { conditionScale: 2 })).rejects.toThrow(/uncondInputIds/);
  });
});
