import { readFileSync } from 'node:fs';
import { GoldenArrays, golden } from '@easel/conformance/golden';
import { loadWeights, prngKey } from '@easel/core';
import { fromMsgpack } from '@easel/core/node';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { backends } from '../../testing/backends.js';
import { generateBeams } from '../beam-search.js';
import { generateTokens } from '../generate.js';
import { fillFresh } from '../initialize.js';
import {
  type FirstVersionConfig,
  firstVersionConfigToJson,
  parseFirstVersionConfig,
  stackConfigs,
} from './config.js';
import { FirstVersionBart, initializeFirstVersion } from './model.js';
import { firstVersionParameters } from './parameters.js';
import { rulesForFirstVersion } from './weights.js';

jest.setTimeout(300_000); // a busy machine

const json = (path: string): Record<string, unknown> =>
  JSON.parse(readFileSync(golden(`bart/${path}`), 'utf8')) as Record<string, unknown>;
const configOf = (folder: string, change = {}): FirstVersionConfig =>
  parseFirstVersionConfig(
    { ...json(`${folder}/config.json`), ...change },
    'config.json',
    json(`${folder}/decoder_config.json`),
  );

async function modelOf(folder: string, change = {}): Promise<FirstVersionBart> {
  const model = new FirstVersionBart(configOf(folder, change));
  const source = fromMsgpack(readFileSync(golden(`bart/${folder}/flax_model.msgpack`)));
  await loadWeights(model.namedWeights(), source, rulesForFirstVersion(model.config, source));
  return model;
}

const runs = backends.flatMap((backend) =>
  ['v1_plain', 'v1_decoder_defaults'].map((folder) => [backend, folder] as const),
);

describe.each(runs)('the original of 2021 on %s, %s', (backend, folder) => {
  const io = new GoldenArrays(golden(`bart/${folder}/io.safetensors`));
  let model: FirstVersionBart;

  beforeAll(async () => {
    await tf.setBackend(backend);
    model = await modelOf(folder);
  });
  afterAll(() => {
    model.dispose();
  });

  test("generation: the likeliest row is the model's own, beams are at least as likely", async () => {
    const before = tf.memory().numTensors;
    const [, length] = io.shape('input_ids') as [number, number];
    const prompts = {
      inputIds: io.ints('input_ids').slice(0, length),
      attentionMask: io.ints('attention_mask').slice(0, length),
      rows: 1,
      length,
    };
    const [row] = await generateTokens(model, prompts, { greedy: true });
    const ids = [...(row as Int32Array)];
    expect(ids).toHaveLength(16);
    const { scores } = await generateBeams(model, prompts, { beams: 2, lengthPenalty: 1 });
    tf.tidy(() => {
      const logits = model.logits({
        inputIds: tf.tensor2d(prompts.inputIds, [1, length], 'int32'),
        attentionMask: tf.tensor2d(prompts.attentionMask, [1, length], 'int32'),
        decoderInputIds: tf.tensor2d([32, ...ids.slice(0, -1)], [1, 16], 'int32'),
      });
      const codes = tf.slice(logits, [0, 0, 0], [1, 16, 32]); // the start token is never drawn
      expect([...tf.argMax(codes, 2).dataSync()]).toEqual(ids);
      const flat = tf.logSoftmax(logits).dataSync();
      const greedy = ids.reduce((sum, id, i) => sum + (flat[i * 33 + id] as number), 0);
      expect(scores[0]).toBeGreaterThan(greedy - 1e-3);
    });
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('the table of parameters', () => {
  test('is what is built', async () => {
    await tf.setBackend('cpu');
    const model = new FirstVersionBart(configOf('v1_decoder_defaults'));
    const table = firstVersionParameters(model.config).map(({ name, shape }) => `${name} [${shape}]`);
    const built = [...model.namedWeights()].map(([name, weight]) => `${name} [${weight.shape}]`);
    expect(table.sort()).toEqual(built.sort());
    model.dispose();
  });

  test("fresh weights have the original's mean and spread, weight by weight", async () => {
    await tf.setBackend('cpu');
    const statistics = json('init/statistics_v1.json') as unknown as Record<
      string,
      { mean: number; std: number }
    >;
    const sizes = { ffn_dim: 160, attention_heads: 4, layers: 2 };
    const stack = (name: string): Record<string, number> =>
      Object.fromEntries(Object.entries(sizes).map(([key, value]) => [`${name}_${key}`, value]));
    const config = parseFirstVersionConfig(
      {
        ...{ d_model: 96, vocab_size: 300, max_position_embeddings: 14, vocab_size_output: 256 },
        ...{ max_position_embeddings_decoder: 17, ...stack('encoder') },
      },
      'config.json',
      { d_model: 96, ...stack('decoder') },
    );
    const model = new FirstVersionBart(config);
    const table = firstVersionParameters(config);
    fillFresh(model.namedWeights(), table, prngKey(5), config.initStd); // the original's module.init: key not split
    for (const { name, place, leaf } of table) {
      const values = (model.namedWeights().get(name) as tf.Variable).dataSync<'float32'>();
      const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
      const std = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
      const expected = statistics[[...place.path, leaf].join('/')] as { mean: number; std: number };
      const close = Math.abs(mean - expected.mean) < 1e-7 && Math.abs(std - expected.std) < 1e-7;
      expect([name, mean, std, close]).toEqual([name, mean, std, true]);
    }
    const head = model.namedWeights().get('lm_head.kernel') as tf.Variable;
    const before = [...head.dataSync()];
    initializeFirstVersion(model, prngKey(5));
    expect([...head.dataSync()]).not.toEqual(before); // of a seed: the key is split first
    model.dispose();
  });
});

describe('config', () => {
  test('the defaults are those of the published model; the file is no say in the decoder', () => {
    const config = parseFirstVersionConfig({
      vocab_size: 50264,
      decoder_layers: 3,
      dropout: 0.3,
      num_beams: 4,
    });
    expect(config).toMatchObject({
      imageVocabSize: 16384,
      imageLength: 256,
      maxTextLength: 128,
      normEpsilon: 1e-6,
    });
    expect(config).toMatchObject({ decoderStartTokenId: 16384, eosTokenId: 16385, padTokenId: 1 });
    expect(config.encoder.dropout).toBe(0.3);
    expect(config.decoder).toMatchObject({ layers: 12, ffnDim: 4096, attentionHeads: 16, dropout: 0.1 });
    expect(stackConfigs(config).decoder.decoderLayers).toBe(12);
  });

  test('written out, it reads the same', () => {
    const config = configOf('v1_decoder_defaults', { layer_norm_epsilon: 1e-5 });
    const written = firstVersionConfigToJson(config);
    expect(parseFirstVersionConfig(written.config, 'config.json', written.decoder)).toEqual(config);
  });

  test.each<[Record<string, unknown>, RegExp]>([
    [{ d_model: 512 }, /d_model: expected 1024, got 512.*whatever its file says/],
    [{ encoder_attention_heads: 3 }, /encoder_attention_heads: expected a divisor of d_model, 1024, got 3/],
    [{ activation_function: 'smelu' }, /activation_function/],
    [{ normalize_before: true }, /normalize_before/],
    [{ encoder_layerdrop: 0.1 }, /encoder_layerdrop/],
    [{ max_length: 300 }, /max_length: expected at most/],
    [{ decoder_start_token_id: 16385 }, /decoder_start_token_id/],
    [{ vocab_sise: 3 }, /vocab_sise: there is no such setting.*"vocab_size"/],
  ])('refuses %j', (change, message) => {
    expect(() => parseFirstVersionConfig(change)).toThrow(message);
  });

  test('refuses a decoder whose heads do not fit', () => {
    expect(() => parseFirstVersionConfig({}, 'config.json', { decoder_attention_heads: 3 })).toThrow(
      /decoder_config\.json: decoder_attention_heads: expected a divisor/,
    );
  });
});
