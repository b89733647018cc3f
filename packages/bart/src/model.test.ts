import { readdirSync, readFileSync } from 'node:fs';
import { prngKey, valueAndGrads } from '@easel/core';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { backends } from '../testing/backends.js';
import { fillByFormula } from '../testing/formula-weights.js';
import { GoldenArrays, goldenModel, maxDifference } from '../testing/golden-case.js';
import { meanCrossEntropy } from '../testing/mean-cross-entropy.js';
import { parseDalleBartConfig } from './config.js';
import { initializeDalleBart } from './initialize.js';
import { DalleBart, type DalleBartInputs } from './model.js';
import { type Parameter, parameters } from './parameters.js';

jest.setTimeout(30_000); // a busy machine

const golden = (path: string): URL => new URL(`./golden/bart/${path}`, import.meta.url);
const folders = readdirSync(golden('.'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'init')
  .map((entry) => entry.name);
const training = new Set(['dropout_scan', 'dropout_noscan']);

interface Tolerance {
  values: number;
  gradients: number;
}

function tolerance(folder: string): Tolerance {
  if (folder === 'swinv2_7_layers') return { values: 1e-3, gradients: 2e-3 };
  if (folder === 'cosine_attention') return { values: 1e-3, gradients: 1e-2 };
  return { values: 1e-4, gradients: 1e-4 };
}

function inputsOf(io: GoldenArrays): DalleBartInputs {
  return {
    inputIds: io.tensor<tf.Rank.R2>('input_ids'),
    attentionMask: io.tensor<tf.Rank.R2>('attention_mask'),
    decoderInputIds: io.tensor<tf.Rank.R2>('decoder_input_ids'),
    ...(io.has('decoder_attention_mask') && {
      decoderAttentionMask: io.tensor<tf.Rank.R2>('decoder_attention_mask'),
    }),
  };
}

/** The golden gradient of one of our weights: a layer's slice where the original stacks them. */
function goldenGradient(io: GoldenArrays, { place, leaf, shape }: Parameter): Float32Array {
  const all = io.floats(`grad/${[...place.path, leaf].join('/')}`);
  const size = shape.reduce((a, b) => a * b, 1);
  const index = place.stacked?.index ?? 0;
  return all.slice(index * size, (index + 1) * size);
}

const runs = backends.flatMap((backend) => folders.map((folder) => [backend, folder] as const));

describe.each(runs)('the original on %s, %s', (backend, folder) => {
  const io = new GoldenArrays(golden(`${folder}/io.safetensors`));
  const { values, gradients } = tolerance(folder);
  const dropoutKey = training.has(folder) ? prngKey(7) : undefined;
  let model: DalleBart;

  beforeAll(async () => {
    await tf.setBackend(backend);
    model = await goldenModel(golden(`${folder}/`));
  });
  afterAll(() => {
    model.dispose();
  });

  test('states and logits', () => {
    tf.tidy(() => {
      const states = { encoder: [] as Float32Array[], decoder: [] as Float32Array[] };
      const logits = model.logits({
        ...inputsOf(io),
        dropoutKey,
        onHidden: (stack, state) => states[stack].push(Float32Array.from(state.dataSync())),
      });
      for (const stack of ['encoder', 'decoder'] as const) {
        if (!io.has(`${stack}_hidden_states`)) continue;
        const expected = io.floats(`${stack}_hidden_states`);
        const size = expected.length / states[stack].length;
        const worst = states[stack].map((state, i) =>
          maxDifference(state, expected.subarray(i * size, (i + 1) * size)),
        );
        expect([stack, worst.findIndex((d) => !(d <= values))]).toEqual([stack, -1]); // first wrong layer
      }
      if (io.has('encoder_last_hidden_state') && !dropoutKey) {
        const encoded = model.encode(io.tensor('input_ids'), io.tensor('attention_mask'));
        expect(maxDifference(encoded.dataSync(), io.floats('encoder_last_hidden_state'))).toBeLessThan(
          values,
        );
      }
      expect(logits.shape).toEqual(io.shape('logits'));
      expect(maxDifference(logits.dataSync(), io.floats('logits'))).toBeLessThan(values);
    });
  });

  test('cached steps', () => {
    if (dropoutKey) return; // training only
    const before = tf.memory().numTensors;
    // Where the original gave no cached logits (some of its caches fail), its full pass says what they are.
    const name = io.has('decode_logits') ? 'decode_logits' : 'logits';
    const expected = io.floats(name);
    const [rows, length, vocabulary] = io.shape(name) as [number, number, number];
    if (io.has('decoder_attention_mask') && name === 'logits') return; // steps have no decoder mask
    const inputIds = io.tensor<tf.Rank.R2>('input_ids');
    const mask = io.tensor<tf.Rank.R2>('attention_mask');
    const encoded = model.encode(inputIds, mask);
    const state = model.startDecoding(encoded, mask);
    tf.dispose([inputIds, mask, encoded]);
    const ids = io.ints('decoder_input_ids');
    const [, width] = io.shape('decoder_input_ids') as [number, number];
    for (let step = 0; step < Math.min(length, 6); step++) {
      const column = Int32Array.from({ length: rows }, (_, row) => ids[row * width + step] as number);
      const token = tf.tensor1d(column, 'int32');
      const logits = model.step(state, token);
      const wanted = new Float32Array(rows * vocabulary);
      for (let row = 0; row < rows; row++) {
        const at = (row * length + step) * vocabulary;
        wanted.set(expected.subarray(at, at + vocabulary), row * vocabulary);
      }
      expect([step, maxDifference(logits.dataSync(), wanted) < values]).toEqual([step, true]);
      tf.dispose([token, logits]);
    }
    state.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('loss and every gradient', () => {
    if (!io.has('labels') || !io.names.some((name) => name.startsWith('grad/'))) return;
    const before = tf.memory().numTensors;
    const inputs = inputsOf(io);
    const labels = io.tensor('labels');
    const { value, grads } = valueAndGrads(
      () => meanCrossEntropy(model.logits({ ...inputs, dropoutKey }), labels),
      model.namedWeights(),
    );
    expect(Math.abs((value.dataSync()[0] as number) - (io.floats('loss')[0] as number))).toBeLessThan(1e-5);
    const wrong: string[] = [];
    for (const parameter of parameters(model.config)) {
      const expected = goldenGradient(io, parameter);
      const largest = maxDifference(expected, new Float32Array(expected.length));
      const got = (grads.get(parameter.name) as tf.Tensor).dataSync();
      const difference = maxDifference(got, expected);
      if (!(difference <= Math.max(gradients * largest, 1e-6))) {
        wrong.push(`${parameter.name}: ${difference} of ${largest}`);
      }
    }
    expect(wrong).toEqual([]);
    tf.dispose([value, labels, ...grads.values()]);
    for (const tensor of Object.values(inputs)) if (tensor instanceof tf.Tensor) tensor.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('the table of parameters is the model', () => {
    const table = parameters(model.config).map(({ name, shape }) => `${name} [${shape}]`);
    const built = [...model.namedWeights()].map(([name, weight]) => `${name} [${weight.shape}]`);
    expect(table.sort()).toEqual(built.sort());
  });
});

describe.each(readdirSync(golden('init')))('fresh weights of seed 0, %s', (file) => {
  beforeAll(() => tf.setBackend('cpu'));

  test('are the original numbers', () => {
    const arrays = new GoldenArrays(golden(`init/${file}`));
    const config = parseDalleBartConfig(JSON.parse(arrays.metadata.get('config') as string));
    const model = new DalleBart(config);
    initializeDalleBart(model, prngKey(0));
    const weights = model.namedWeights();
    for (const { name, place, leaf, shape } of parameters(config)) {
      const all = arrays.floats([...place.path, leaf].join('/'));
      const size = shape.reduce((a, b) => a * b, 1);
      const index = place.stacked?.index ?? 0;
      const expected = all.subarray(index * size, (index + 1) * size);
      const got = (weights.get(name) as tf.Variable).dataSync();
      expect([name, maxDifference(got, expected) <= 1e-7]).toEqual([name, true]);
    }
    model.dispose();
  });
});

describe.each(backends)('models whose weights are a formula, on %s', (backend) => {
  beforeAll(() => tf.setBackend(backend));

  interface Row {
    change: Record<string, unknown>;
    encoder_row_0: number[];
    logits_0_0_3: number[];
    logits_15_18_21: number[];
    loss: number;
  }
  const file = JSON.parse(readFileSync(golden('formula_weights.json'), 'utf8')) as {
    base: Record<string, unknown>;
    rows: Record<string, Row>;
  };

  test.each(Object.entries(file.rows))('%s', (_name, row) => {
    const config = parseDalleBartConfig({ ...file.base, ...row.change });
    const model = new DalleBart(config);
    fillByFormula(model);
    tf.tidy(() => {
      const inputIds = tf.tensor2d([[0, 5, 6, 7, 2, 1, 1, 1]], [1, 8], 'int32');
      const attentionMask = tf.tensor2d([[1, 1, 1, 1, 1, 0, 0, 0]], [1, 8], 'int32');
      const labels = Int32Array.from({ length: 16 }, (_, i) => (3 * i + 1) % 20);
      const decoderInputIds = tf.tensor2d(Int32Array.from([20, ...labels.slice(0, 15)]), [1, 16], 'int32');
      const encoded = model.encode(inputIds, attentionMask).dataSync();
      expect(maxDifference(encoded.subarray(0, 4), row.encoder_row_0)).toBeLessThan(1e-4);
      const logits = model.logits({ inputIds, attentionMask, decoderInputIds });
      const flat = logits.dataSync();
      expect(maxDifference(flat.subarray(0, 3), row.logits_0_0_3)).toBeLessThan(1e-4);
      expect(maxDifference(flat.subarray(15 * 21 + 18, 16 * 21), row.logits_15_18_21)).toBeLessThan(1e-4);
      const loss = meanCrossEntropy(logits, tf.tensor1d(labels, 'int32')).dataSync()[0] as number;
      expect(Math.abs(loss - row.loss)).toBeLessThan(1e-4);
    });
    model.dispose();
  });
});
