import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, prngKey } from '@easel/core';
import { initializeVqgan, parseVqganConfig, Vqgan } from '@easel/vqgan';
import { saveVqgan } from '@easel/vqgan/node';
import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { nativeStatus } from 'tfjs-backend-native';
import { seq2seqRuns, slidingRows } from '../../testing/seq2seq-runs.js';
import { tinyDalleBartJson, tinyVqganJson } from '../../testing/tiny-models.js';
import { parseSeq2SeqConfig } from '../config/seq2seq-config.js';
import { writeShard } from '../encoded/shards.js';
import { planSeq2Seq } from './plan-seq2seq.js';

const captions = ['a red ball', 'a blue ball', 'a green ball', 'a pink ball', 'a white ball'];
const runs = seq2seqRuns(async (shared) => {
  const rows = slidingRows(captions.map((caption) => [caption]));
  mkdirSync(join(shared, 'set'));
  await writeShard(join(shared, 'set', 'a.jsonl'), rows);
  const vqgan = new Vqgan(parseVqganConfig(tinyVqganJson, 'vqgan'));
  initializeVqgan(vqgan, prngKey(3));
  await saveVqgan(join(shared, 'vqgan'), vqgan);
  vqgan.dispose();
  return captions;
});

const settings = (changes: Record<string, unknown> = {}) =>
  parseSeq2SeqConfig({
    model: tinyDalleBartJson,
    tokenizer: join(runs.shared, 'tokenizer'),
    data: { train: join(runs.shared, 'set'), blankCaptions: 0 },
    epochs: 3,
    batchSize: 2,
    schedule: { learningRate: 1e-3 },
    ...changes,
  });

test('parameters, memory, time and the first batch, and nothing is left', async () => {
  const before = tf.memory().numTensors;
  const plan = await planSeq2Seq(settings({ vqgan: join(runs.shared, 'vqgan') }));
  expect(tf.memory().numTensors).toBe(before);
  expect(plan.steps).toBe(6); // 3 epochs of two batches of 2 rows
  expect(plan.length).toEqual({ steps: 6, from: 'epochs', epochs: 3 });
  expect(plan.settings).toMatchObject({ batchSize: 2, accumulate: 1, model: { d_model: 8 } });
  const [text, encoder] = plan.parameters;
  expect(text).toEqual({
    name: 'text embeddings',
    count: 300 * 8 + 10 * 8 + 16,
    trained: 300 * 8 + 10 * 8 + 16,
  });
  expect(encoder?.name).toBe('encoder, 1 layer');
  const total = plan.parameters.reduce((sum, { count }) => sum + count, 0);
  if (nativeStatus().available) {
    expect(plan.memory).toMatchObject({
      weights: 4 * total,
      gradients: 0,
      optimizer: 4 * (2 * total + 1),
    });
    expect(plan.memory?.activations).toBeGreaterThan(0);
    expect(plan.peakFlops).toBeGreaterThan(0);
  } else expect(plan.memory).toBeUndefined();
  expect(plan.time).toMatchObject({ how: 'measured', updates: 3 });
  expect(plan.time?.seconds).toBeCloseTo(6 * (plan.time?.secondsPerUpdate as number), 9);
  expect(plan.batch.rows).toHaveLength(2);
  for (const { caption, tokens } of plan.batch.rows) {
    expect(tokens.map((token) => (token - (tokens[0] as number) + 16) % 16)).toEqual(tokens.map((_, t) => t));
    expect(captions[tokens[0] as number]).toBe(caption.trim());
  }
  expect(plan.batch.picture).toMatchObject({ width: 16, height: 8 }); // two pictures of 8 px
  expect(existsSync(join(runs.root, 'run'))).toBe(false);
});

test('without steps and epochs the length follows from the rows, streamed too', async () => {
  for (const order of ['permuted', 'streamed']) {
    const data = { train: join(runs.shared, 'set'), order };
    const { steps, length } = await planSeq2Seq(settings({ epochs: null, data }), { time: false });
    expect([steps, length]).toEqual([600, { steps: 600, from: 'default', epochs: 300 }]); // 5 rows
  }
});

test('more rows or accumulation, layers computed again, Adafactor: memory goes where it should', async () => {
  if (!nativeStatus().available) return;
  const model = {
    ...tinyDalleBartJson,
    d_model: 64,
    encoder_ffn_dim: 128,
    decoder_ffn_dim: 128,
    decoder_layers: 6,
  };
  const memoryOf = async (changes: Record<string, unknown>) => {
    const { memory } = await planSeq2Seq(settings({ model, batchSize: 4, ...changes }), { time: false });
    return memory as NonNullable<typeof memory>;
  };
  const plain = await memoryOf({});
  const again = await memoryOf({ gradientCheckpointing: true });
  const half = await memoryOf({ batchSize: 2, accumulate: 2 });
  const factored = await memoryOf({ optimizer: { name: 'adafactor' } });
  const narrow = await memoryOf({ weights: 'bfloat16', savedActivations: 'bfloat16' });
  expect(narrow.weights).toBe(plain.weights / 2);
  expect(narrow.activations).toBeLessThan(plain.activations);
  expect(again.activations).toBeLessThan(plain.activations);
  expect(half.activations).not.toBe(plain.activations);
  expect(factored.optimizer).toBeLessThan(plain.optimizer);
  expect(factored.weights).toBe(plain.weights);
  expect(again.flop).toBeGreaterThan(plain.flop);
});

test('a large model: its memory without filling it, its time at the peak', async () => {
  if (!nativeStatus().available) return;
  const model = {
    ...tinyDalleBartJson,
    d_model: 1024,
    encoder_ffn_dim: 4096,
    decoder_ffn_dim: 4096,
    decoder_layers: 12,
    dropout: 0,
  };
  const { memory, time } = await planSeq2Seq(settings({ model }), { time: false });
  expect(memory?.total).toBeGreaterThan(3e9);
  expect(time).toMatchObject({ how: 'at least', updates: 0 });
});

test('refused as the run would be', async () => {
  await expect(planSeq2Seq(settings({ batchSize: 9 }))).rejects.toThrow(ConfigError);
  await expect(planSeq2Seq(settings({ vqgan: '/nowhere' }))).rejects.toThrow(/nowhere.*can't be read/);
});

test('of ranks: the memory of one, with its gradients, and how they share an update', async () => {
  const before = tf.memory().numTensors;
  const ranks = { ranks: 2, bytesPerSecond: 1e6 };
  const plan = await planSeq2Seq(settings({ accumulate: 2, batchSize: 1 }), { ranks, time: false });
  expect(tf.memory().numTensors).toBe(before);
  expect(plan.ranks).toMatchObject({ ...ranks, microBatches: 2, own: 1 });
  const total = plan.parameters.reduce((sum, { count }) => sum + count, 0);
  expect(plan.ranks?.sentBytes).toBe(4 * total); // half to the other rank, and half of the sum back
  if (nativeStatus().available)
    expect(plan.memory).toMatchObject({ weights: 4 * total, gradients: 4 * total });
  await expect(planSeq2Seq(settings(), { ranks })).rejects.toThrow(
    /2 ranks share .* but there is 1 \(accumulate\)/,
  );
});
