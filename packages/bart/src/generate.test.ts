import { readFileSync } from 'node:fs';
import { prngKey, split } from '@easel/core';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { backends } from '../testing/backends.js';
import { fillByFormula } from '../testing/formula-weights.js';
import { GoldenArrays, goldenModel } from '../testing/golden-case.js';
import { parseDalleBartConfig } from './config.js';
import { type GenerateInputs, type GenerateOptions, generateTokens, iterationKeys } from './generate.js';
import { DalleBart } from './model.js';

jest.setTimeout(30_000); // a busy machine

const golden = (path: string): URL => new URL(`./golden/generation/${path}`, import.meta.url);
const json = <T>(path: string): T => JSON.parse(readFileSync(golden(path), 'utf8')) as T;

interface Run {
  name: string;
  do_sample?: boolean;
  key_seed?: number;
  rows?: number[];
  no_mask?: boolean;
  num_beams?: number;
  top_k?: number;
  top_p?: number;
  temperature?: number;
  condition_scale?: number;
  max_length?: number;
  min_length?: number;
  forced_bos_token_id?: number;
  forced_eos_token_id?: number;
  decoder_start_token_id?: number;
  eos_token_id?: number;
  pad_token_id?: number;
}

/** The arguments of a golden run, with our additions to the original switched off. */
function optionsOf(run: Run): GenerateOptions {
  const entries: [keyof GenerateOptions, unknown][] = [
    ['key', run.key_seed === undefined ? undefined : prngKey(run.key_seed)],
    ['greedy', run.do_sample === undefined ? undefined : !run.do_sample],
    ['topK', run.top_k],
    ['topP', run.top_p],
    ['temperature', run.temperature],
    ['conditionScale', run.condition_scale],
    ['maxLength', run.max_length],
    ['minLength', run.min_length ?? 0],
    ['forcedBosTokenId', run.forced_bos_token_id],
    ['forcedEosTokenId', run.forced_eos_token_id],
    ['decoderStartTokenId', run.decoder_start_token_id],
    ['eosTokenId', run.eos_token_id],
    ['padTokenId', run.pad_token_id],
    ['idsBelow', Number.POSITIVE_INFINITY],
  ];
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

function inputsOf(io: GoldenArrays, run: Pick<Run, 'rows' | 'no_mask'>): GenerateInputs {
  const [all, length] = io.shape('input_ids') as [number, number];
  const rows = run.rows ?? Array.from({ length: all }, (_, i) => i);
  const pick = (name: string): Int32Array => {
    const values = io.ints(name);
    return Int32Array.from(rows.flatMap((row) => [...values.subarray(row * length, (row + 1) * length)]));
  };
  const attentionMask = pick('attention_mask');
  return {
    inputIds: pick('input_ids'),
    attentionMask: run.no_mask ? attentionMask.fill(1) : attentionMask,
    uncondInputIds: pick('input_ids_uncond'),
    uncondAttentionMask: pick('attention_mask_uncond'),
    rows: rows.length,
    length,
  };
}

/** One run of each kind: the portable backend takes a second a run, so it takes these and native takes all. */
const OF_EACH_KIND = new Set(
  `sample_00 sample_06 sample_08 sample_16 sample_18 sample_20 sample_key1 sample_one_row sample_two_rows sample_no_mask
  sample_short sample_forced_bos sample_forced_eos sample_start_0 sample_start_3 sample_min_6 sample_pad_9 sample_eos_20
  sample_eos_is_pad greedy greedy_length_2 greedy_forced_both greedy_min_5`.split(/\s+/),
);

const places = backends.flatMap((backend) =>
  ['plain', 'scan', 'eos'].map((folder) => [backend, folder] as const),
);

describe.each(places)("the original's generate on %s, model %s", (backend, folder) => {
  const io = new GoldenArrays(golden(`${folder}/io.safetensors`));
  const all = json<Run[]>(`${folder}/runs.json`).filter((run) => run.num_beams === undefined);
  const runs = backend === 'cpu' ? all.filter((run) => OF_EACH_KIND.has(run.name)) : all;
  let model: DalleBart;

  beforeAll(async () => {
    await tf.setBackend(backend);
    model = await goldenModel(golden(`${folder}/`));
  });
  afterAll(() => {
    model.dispose();
  });

  test.each(runs)('$name', async (run) => {
    const before = tf.memory().numTensors;
    const rows = await generateTokens(model, inputsOf(io, run), optionsOf(run));
    const [, length] = io.shape(`${run.name}.sequences`) as [number, number];
    const expected = io.ints(`${run.name}.sequences`);
    const got = rows.map((row) => [...row]);
    expect(got).toEqual(rows.map((_, row) => [...expected.subarray(row * length + 1, (row + 1) * length)]));
    expect(tf.memory().numTensors).toBe(before);
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

describe('keys of a seed', () => {
  interface Schedule {
    seed: number;
    devices: number;
    iterations: { device_keys: [number, number][]; device_0_first_step_keys?: [number, number][] }[];
  }

  test.each(json<Schedule[]>('keys.json').filter((schedule) => schedule.devices === 1))(
    'seed $seed, as the notebook',
    ({ seed, iterations }) => {
      const keys = iterationKeys(seed, iterations.length);
      expect(keys).toEqual(iterations.map((iteration) => iteration.device_keys[0]));
      let key = keys[0] as readonly [number, number];
      for (const expected of iterations[0]?.device_0_first_step_keys ?? []) {
        const [now, next] = split(key);
        expect(now).toEqual(expected);
        key = next as readonly [number, number];
      }
    },
  );
});
