import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BpeTokenizer, generateTokens, trainBpe } from '@easel/bart';
import { openDalleBart, openTokenizer, saveTokenizer } from '@easel/bart/node';
import { ConfigError, DataError, prngKey } from '@easel/core';
import { initializeVqgan, parseVqganConfig, Vqgan } from '@easel/vqgan';
import { saveVqgan } from '@easel/vqgan/node';
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import sharp from 'sharp';
import { type LoggedLine, stopAt } from '../../testing/runs.js';
import { seq2seqRuns, slidingRows } from '../../testing/seq2seq-runs.js';
import { tinyDalleBartJson, tinyVqganJson } from '../../testing/tiny-models.js';
import { writeShard } from '../encoded/shards.js';
import { readCheckpointPart } from '../run/checkpoint-store.js';
import { TrainingError } from '../run/training-error.js';
import type { TrainingEvent, TrainingOptions } from '../run/training-loop.js';

const runs = seq2seqRuns(async (shared) => {
  const colours = ['red', 'green', 'blue', 'black', 'white', 'pink'];
  const rows = slidingRows(colours.map((colour) => [`a ${colour} ball`, `Ball, ${colour}!`]));
  mkdirSync(join(shared, 'set'));
  await writeShard(join(shared, 'set', 'shard-00000.parquet'), rows);
  return rows.map((row) => row.caption);
});

const settings = () => ({
  seed: 3,
  model: tinyDalleBartJson as unknown,
  tokenizer: join(runs.shared, 'tokenizer') as string | null,
  data: { train: join(runs.shared, 'set'), blankCaptions: 0.2 } as Record<string, unknown>,
  steps: 8,
  batchSize: 4,
  optimizer: { beta2: 0.98, weightDecay: 0.05, decay: 'matrices' } as Record<string, unknown>,
  schedule: { learningRate: 0.01, warmupSteps: 2, decay: 'cosine', floor: 0.02 } as Record<string, unknown>,
  clipNorm: 1,
  maskInputs: { max: 0.5 },
  evaluation: { every: 4, trainRows: 5 },
  log: { every: 1 },
  checkpoint: { every: 4, keep: 2 },
});
type TestSettings = Readonly<Record<string, unknown>>;

const train = (name: string, changes: TestSettings = {}, options: Partial<TrainingOptions> = {}) =>
  runs.train(name, { ...settings(), ...changes }, options);

test('rows of a set that cannot be used are told before the first step, and in the log', async () => {
  const path = join(runs.root, 'set.jsonl');
  const rows = slidingRows([['a red ball', 'Ball, red!'], ['a blue ball'], ['a pink ball'], ['green']]);
  const lines = [...rows, { ...rows[0], caption: null }, { ...rows[0], encoding: null }];
  writeFileSync(path, lines.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const events: TrainingEvent[] = [];
  await train('partly', { steps: 4, data: { train: path } }, { onEvent: (event) => events.push(event) });
  const leftOut = { 'row without caption': 1, 'row without tokens': 1 };
  expect(events[0]).toEqual({ kind: 'data', path, rows: 7, leftOut });
  const log = runs.bytes('partly', 'skipped.jsonl').toString().trim().split('\n');
  expect(log.map((line) => JSON.parse(line))).toEqual([
    { file: path, kind: 'row without caption', reason: `Encoded set ${path}: 1 of 7 rows.` },
    { file: path, kind: 'row without tokens', reason: `Encoded set ${path}: 1 of 7 rows.` },
  ]);
});

test('a run learns, logs, evaluates, keeps checkpoints, and leaves a model that draws', async () => {
  const before = tf.memory().numTensors;
  const events: TrainingEvent[] = [];
  const result = await train(
    'run',
    { steps: 30, checkpoint: { every: 10, keep: 2 } },
    { onEvent: (e) => events.push(e) },
  );
  expect(tf.memory().numTensors).toBe(before);
  expect(result).toMatchObject({ complete: true, step: 30, model: join(runs.root, 'run', 'model') });
  expect(readdirSync(join(runs.root, 'run')).sort()).toEqual([
    'checkpoints',
    'config.json',
    'metrics.jsonl',
    'model',
    'sittings.jsonl',
    'tensorboard',
  ]);
  expect(readdirSync(join(runs.root, 'run', 'checkpoints'))).toEqual(['step-00000020', 'step-00000030']);
  expect(readdirSync(join(runs.root, 'run', 'checkpoints', 'step-00000030')).sort()).toEqual([
    'model.safetensors',
    'optimizer.safetensors',
    'state.json',
  ]);
  expect(JSON.parse(runs.bytes('run', 'config.json').toString())).toMatchObject({
    steps: 30,
    accumulate: 1,
    init: null,
  });

  const lines = runs.metrics('run');
  const losses = runs.trained('run', 'loss');
  const first = losses[0] as number;
  expect(losses).toHaveLength(30);
  expect(first).toBeCloseTo(Math.log(28), 1); // fresh weights know nothing: all 28 tokens alike
  expect(Math.min(...losses.slice(-10))).toBeLessThan(first * 0.9);
  const evaluation = lines.findLast((line) => line.kind === 'trained') as LoggedLine;
  expect(evaluation).toMatchObject({ step: 30, kind: 'trained' });
  expect(evaluation.loss).toBeLessThan(first * 0.9);
  expect(evaluation.lossBlank).toBeGreaterThan(0);
  expect(result.splits.trained?.loss).toBe(evaluation.loss);
  expect(events.filter((event) => event.kind === 'step')).toHaveLength(30);
  expect(events.filter((event) => event.kind === 'checkpoint').map((event) => event.step)).toEqual([
    10, 20, 30,
  ]);

  const opened = await openDalleBart(result.model);
  const inputs = opened.processor.process(['a red ball']);
  const [tokens] = await generateTokens(opened.model, inputs, { key: prngKey(0), greedy: true });
  expect(tokens).toHaveLength(16);
  opened.dispose();
});

describe('going on', () => {
  test('4 + 4 steps are 8 steps bit for bit, after Ctrl-C', async () => {
    await train('whole');
    const stopped = await train('parts', {}, stopAt(4));
    expect(stopped).toMatchObject({ complete: false, step: 4 });
    expect(existsSync(join(runs.root, 'parts', 'lock'))).toBe(false);
    const rest = await train('parts', {}, { resume: true });
    expect(rest).toMatchObject({ complete: true, step: 8 });
    for (const file of ['model.safetensors', 'optimizer.safetensors'])
      expect(runs.same('parts', 'whole', 'checkpoints', 'step-00000008', file)).toBe(true);
    expect(runs.metrics('parts')).toEqual(runs.metrics('whole'));
    expect(runs.same('parts', 'whole', 'model', 'model.safetensors')).toBe(true);
  });

  test("Shampoo's momenta as bytes, four to an int32, come back exactly", async () => {
    const cut = { blockSize: 6, largestDimension: 20 }; // so that roots cost nothing
    const shampoo = { ...cut, quantized: true, startStep: 3, computeEvery: 3 };
    const changes = { optimizer: { name: 'shampoo', shampoo }, steps: 5 };
    await train('whole', changes);
    await train('parts', changes, stopAt(3));
    await train('parts', changes, { resume: true });
    expect(runs.metrics('parts')).toEqual(runs.metrics('whole'));
  });

  test('a stop at a step without a planned checkpoint writes one; log lines that span it come out the same', async () => {
    const changes = { log: { every: 4 }, checkpoint: { every: 0 }, accumulate: 2, batchSize: 2 };
    await train('whole', changes);
    await train('parts', changes, stopAt(3));
    expect(readdirSync(join(runs.root, 'parts', 'checkpoints'))).toEqual(['step-00000003']);
    await train('parts', changes, { resume: true });
    expect(runs.metrics('parts')).toEqual(runs.metrics('whole'));
  });

  test('a run that was begun before some settings were there', async () => {
    await train('run', {}, stopAt(2));
    const path = join(runs.root, 'run', 'config.json');
    const { epochs, dropoutKeys, weights, savedActivations, ...older } = JSON.parse(
      readFileSync(path, 'utf8'),
    );
    writeFileSync(path, JSON.stringify(older));
    expect(await train('run', {}, { resume: true })).toMatchObject({ complete: true, step: 8 });
  });

  test("repeatEpoch goes through the epoch again, as the original's runs do", async () => {
    const changes = { data: { ...settings().data, repeatEpoch: true }, steps: 9 };
    await train('run', changes, stopAt(4)); // 3 updates an epoch
    await train('run', changes, { ...stopAt(5), resume: true });
    await train('run', changes, { resume: true });
    expect(runs.trained('run', 'epoch')).toEqual([0, 0, 1, 1, 1, 1, 1, 2, 2]);
  });

  test('a finished run resumed is left as it is', async () => {
    await train('run');
    const before = runs.metrics('run');
    expect(await train('run', {}, { resume: true })).toMatchObject({ complete: true, step: 8 });
    expect(runs.metrics('run')).toEqual(before);
  });

  test('refused: without resume, with other settings, with other data', async () => {
    await train('run', {}, stopAt(2));
    await expect(train('run')).rejects.toThrow(/there is a run in it already \(step 2 of 8\)/);
    await expect(train('run', { batchSize: 3 }, { resume: true })).rejects.toThrow(/batchSize was 4, now 3/);
    const set = join(runs.root, 'other');
    mkdirSync(set);
    const encoding = Array.from({ length: 16 }, () => 1);
    await writeShard(
      join(set, 'x.jsonl'),
      Array.from({ length: 9 }, (_, i) => ({ caption: `c${i}`, encoding, source: `${i}` })),
    );
    rmSync(join(runs.root, 'run', 'config.json'));
    await expect(train('run', { data: { train: set } }, { resume: true })).rejects.toThrow(DataError);
  });
});

test('accumulation: two micro-batches without noise give the update of one batch', async () => {
  const quiet = {
    data: { ...settings().data, blankCaptions: 0 },
    maskInputs: { max: 0 },
    steps: 3,
    model: { ...tinyDalleBartJson, dropout: 0 },
  };
  await train('one', quiet);
  await train('two', { ...quiet, batchSize: 2, accumulate: 2 });
  const losses = (name: string) => runs.trained(name, 'loss');
  for (const [i, loss] of losses('two').entries()) expect(loss).toBeCloseTo(losses('one')[i] as number, 4);
});

test('without clipping weights change while gradients are computed: the run of a norm that nothing reaches', async () => {
  await train('held', { clipNorm: 1e9 });
  await train('streamed', { clipNorm: null });
  await train('looked-at', { clipNorm: null, log: { every: 1, norms: 3 } });
  expect(runs.trained('streamed', 'loss')).toEqual(runs.trained('held', 'loss'));
  for (const name of ['streamed', 'looked-at'])
    expect(runs.same(name, 'held', 'model', 'model.safetensors')).toBe(true);
  const norms = (name: string) =>
    runs.metrics(name).flatMap(({ gradientNorm }) => (gradientNorm as number) ?? []);
  const [held, streamed] = [norms('held'), norms('streamed')];
  expect(held).toHaveLength(8);
  for (const [i, norm] of streamed.entries()) expect(norm).toBeCloseTo(held[i] as number, 5);
});

test('epochs in place of steps: as many updates as they fill, 3 of 4 rows from 12', async () => {
  const result = await train('run', { steps: null, epochs: 2 });
  expect(result).toMatchObject({ complete: true, step: 6 });
  expect(runs.trained('run', 'epoch')).toEqual([0, 0, 1, 1, 1, 2]); // where the next update begins
  const { decay, floor } = settings().schedule as { decay: string; floor: number };
  expect([decay, floor]).toEqual(['cosine', 0.02]); // so that the last rate says how long the run was meant to be
  await train('same', { steps: 6 });
  expect(runs.metrics('run')).toEqual(runs.metrics('same'));
});

test("dropout by the original's keys: other masks, and the same ones after a resume", async () => {
  const changes = { dropoutKeys: 'original', accumulate: 2, batchSize: 2 };
  await train('easel', { ...changes, dropoutKeys: 'easel' });
  await train('whole', changes);
  await train('parts', changes, stopAt(3));
  await train('parts', changes, { resume: true });
  expect(runs.trained('whole', 'loss')).not.toEqual(runs.trained('easel', 'loss'));
  expect(runs.metrics('parts')).toEqual(runs.metrics('whole'));
});

test('gradient checkpointing: the same run, dropout masks too', async () => {
  await train('kept', { steps: 3 });
  await train('again', { steps: 3, gradientCheckpointing: true });
  const losses = (name: string) => runs.trained(name, 'loss');
  for (const [i, loss] of losses('again').entries()) expect(loss).toBeCloseTo(losses('kept')[i] as number, 5);
});

describe('bfloat16', () => {
  // Wide enough that activations are large tensors, which alone are kept narrow.
  const model = { ...tinyDalleBartJson, d_model: 64, encoder_ffn_dim: 96, decoder_ffn_dim: 96, dropout: 0 };
  const base = { model, steps: 12, batchSize: 6, schedule: { learningRate: 4e-3 } };
  let exact: number[] | undefined; // losses of the float32 run

  test.each([
    ['saved activations', { savedActivations: 'bfloat16' }],
    [
      'saved activations, layers computed again',
      { savedActivations: 'bfloat16', gradientCheckpointing: true },
    ],
    ['weights', { weights: 'bfloat16' }],
    ['both', { savedActivations: 'bfloat16', weights: 'bfloat16' }],
  ])('%s: losses stay near those of float32, and a resumed run is the same', async (_, changes) => {
    const before = tf.memory().numTensors;
    if (exact === undefined) {
      await train('float32', base);
      exact = runs.trained('float32', 'loss');
    }
    await train('whole', { ...base, ...changes });
    await train('parts', { ...base, ...changes }, stopAt(7));
    await train('parts', { ...base, ...changes }, { resume: true });
    expect(tf.memory().numTensors).toBe(before);
    const narrow = runs.trained('whole', 'loss');
    expect(exact.at(-1)).toBeLessThan((exact[0] as number) * 0.7);
    for (const [i, loss] of narrow.entries())
      expect(Math.abs(loss - (exact[i] as number))).toBeLessThan(0.02);
    expect(narrow).not.toEqual(exact);
    expect(runs.metrics('parts')).toEqual(runs.metrics('whole'));
  });

  test("weights are bfloat16's values, in checkpoints too", async () => {
    await train('run', { ...base, steps: 3, weights: 'bfloat16' });
    const weights = await readCheckpointPart(join(runs.root, 'run', 'checkpoints', 'step-00000003'), 'model');
    for (const { data } of weights.values())
      expect(new Uint32Array(data.slice().buffer).every((bits) => bits % 65536 === 0)).toBe(true);
  });
});

test('trainable "embeddings": only the image side changes', async () => {
  const first = await train('first', { steps: 3 });
  const again = { model: null, init: first.model, tokenizer: null, steps: 3, trainable: 'embeddings' };
  const second = await train('second', { ...again, optimizer: { name: 'adafactor' } });
  const weightsOf = (run: string) =>
    readCheckpointPart(join(runs.root, run, 'checkpoints', 'step-00000003'), 'model');
  const [before, after] = [await weightsOf('first'), await weightsOf('second')];
  const changed = [...after].filter(([name, { data }]) =>
    data.some((value, i) => value !== before.get(name)?.data[i]),
  );
  expect(changed.map(([name]) => name.split('.').slice(0, 2).join('.')).sort()).toEqual(
    expect.arrayContaining(['decoder.embed_tokens', 'lm_head.kernel']),
  );
  for (const [name] of changed)
    expect(name).toMatch(/^(lm_head|decoder\.(embed|layernorm_embedding|final_norm))/);
  expect(second.complete).toBe(true);
});

test('fine-tuning goes on from a model folder, tokenizer and vocabulary with it', async () => {
  const first = await train('first', { steps: 15 });
  const second = await train('second', { model: null, init: first.model, tokenizer: null, steps: 3 });
  const lossOf = (name: string, i: number) => runs.trained(name, 'loss').at(i) as number;
  expect(lossOf('second', 0)).toBeLessThan(lossOf('first', 0) * 0.95);
  expect(runs.same('second', 'first', 'model', 'vocab.json')).toBe(true);
  expect(second.complete).toBe(true);
});

test('fine-tuning with the words of another tokenizer is refused', async () => {
  const { model } = await train('first', { steps: 3 });
  const folder = join(runs.root, 'other-words');
  await saveTokenizer(
    folder,
    new BpeTokenizer(trainBpe(['zebra zebra', 'quokka quokka'], { vocabSize: 270 })),
  );
  const tune = (tokenizer: string) => train('second', { model: null, init: model, tokenizer, steps: 3 });
  await expect(tune(folder)).rejects.toThrow(
    /tokenizer in .*other-words has another vocabulary than the model in .*first.model: \d+ of its \d+ ids mean something else \(id \d+ is ".+" there and ".+" here\)\. Leave tokenizer out/,
  );
  expect((await tune(join(runs.shared, 'tokenizer'))).complete).toBe(true);
});

describe('evaluation split', () => {
  test('a share of the pictures is held out with all their captions', async () => {
    const result = await train('run', { data: { ...settings().data, evalFraction: 0.3 }, steps: 3 });
    // 2 of 6 pictures: 8 rows are left to train on, two batches of 4 an epoch
    expect(result.splits.eval?.loss).toBeGreaterThan(0);
    expect(runs.trained('run', 'epoch')).toEqual([0, 1, 1]);
  });

  test('a set of its own', async () => {
    const result = await train('run', {
      data: { ...settings().data, eval: join(runs.shared, 'set') },
      steps: 1,
      schedule: { learningRate: 1e-3 },
    });
    expect(Object.keys(result.splits)).toEqual(['eval', 'trained']);
  });
});

describe('refused before anything is trained', () => {
  const noRun = () =>
    !existsSync(join(runs.root, 'run', 'checkpoints')) ||
    readdirSync(join(runs.root, 'run', 'checkpoints')).length === 0;

  test.each([
    [
      'a tokenizer larger than the model',
      { model: { ...tinyDalleBartJson, encoder_vocab_size: 270 } },
      ConfigError,
      /tokenizer has 280 tokens/,
    ],
    [
      "tokens out of the model's range",
      { model: { ...tinyDalleBartJson, image_vocab_size: 8, decoder_start_token_id: 8 } },
      DataError,
      /image token \d+ is 8/,
    ],
    [
      'tokens that the model never draws, though its vocabulary has them',
      { model: { ...tinyDalleBartJson, image_vocab_size: 27, decoder_start_token_id: 8 } },
      DataError,
      /image token \d+ is 8, expected an integer from 0 to 7/,
    ],
    [
      'encodings of another length',
      { model: { ...tinyDalleBartJson, image_length: 9 } },
      DataError,
      /expected 9 image tokens/,
    ],
    ['a batch larger than the set', { batchSize: 13 }, ConfigError, /12 rows don't fill one batch of 13/],
    ['a set that is not there', { data: { train: '/nowhere' } }, DataError, /nowhere: can't be read/],
    ['a VQGAN folder that is none', { vqgan: '/nowhere' }, ConfigError, /nowhere.*can't be read/],
    [
      'a warm-up as long as its epochs',
      { steps: null, epochs: 1, schedule: { learningRate: 0.01, warmupSteps: 3, decay: 'cosine' } },
      ConfigError,
      /schedule\.warmupSteps: expected fewer than the run's 3 steps.*got 3/,
    ],
    [
      'epochs of a set that fills no update',
      { steps: null, epochs: 2, accumulate: 4 },
      ConfigError,
      /12 rows/,
    ],
    ['a model config with a typo', { model: { ...tinyDalleBartJson, d_modle: 3 } }, ConfigError, /d_model/],
    [
      'a model file that is not there',
      { model: '/nowhere.json' },
      ConfigError,
      /nowhere\.json: can't be read/,
    ],
    ['a tokenizer folder without one', { tokenizer: '/nowhere' }, ConfigError, /nowhere/],
  ])('%s', async (_, changes, kind, message) => {
    const before = tf.memory().numTensors;
    const failure = train('run', changes);
    await expect(failure).rejects.toThrow(kind);
    await expect(failure).rejects.toThrow(message);
    expect(noRun()).toBe(true);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('and nothing stands in the way of the next try', async () => {
    await expect(train('run', { batchSize: 13 })).rejects.toThrow(ConfigError);
    expect(await train('run', { steps: 3 })).toMatchObject({ complete: true, step: 3 });
  });

  test('a second run in the folder', async () => {
    let running: Promise<unknown> | undefined;
    await new Promise<void>((begun) => {
      running = train('run', {}, { onEvent: () => begun() });
    });
    await expect(train('run', {}, { resume: true })).rejects.toThrow(/another run writes into it/);
    await running;
  });
});

describe('watching', () => {
  test('norms and histograms of weights and gradients, over a resume too', async () => {
    const changes = { log: { every: 4, norms: 2, histograms: 4 } };
    const lines = (name: string) =>
      runs
        .bytes(name, 'weights.jsonl')
        .toString()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    await train('whole', changes);
    await train('parts', changes, stopAt(5));
    await train('parts', changes, { resume: true });
    expect(lines('parts')).toEqual(lines('whole'));
    const found = lines('whole');
    expect(
      found.map(({ step, norms, histograms }) => [step, norms !== undefined, histograms !== undefined]),
    ).toEqual([
      [2, true, false],
      [4, true, true],
      [6, true, false],
      [8, true, true],
    ]);
    const { norms, histograms } = found.at(-1);
    const { gradientNorm } = runs.metrics('whole').findLast((line) => line.kind === 'train') as LoggedLine;
    expect(Math.hypot(...(Object.values(norms.gradients) as number[]))).toBeCloseTo(gradientNorm, 4);
    const last = (await openDalleBart(join(runs.root, 'whole', 'model'))).model.namedWeights();
    const name = 'lm_head.kernel';
    const values = [...(last.get(name) as tf.Variable).dataSync()];
    expect(norms.parameters[name]).toBeCloseTo(Math.hypot(...values), 4);
    expect(histograms.parameters[name].counts.reduce((a: number, b: number) => a + b)).toBe(values.length);
    expect(Object.keys(norms.gradients)).toEqual([...last.keys()]);
  });

  test('pictures of the prompts, the same for the same weights; a VQGAN is asked for before anything is trained', async () => {
    const samples = { every: 4, prompts: ['a red ball', 'a blue ball'], perPrompt: 3 };
    await expect(train('run', { samples })).rejects.toThrow(/samples: .*name its folder as vqgan/);
    const vqgan = new Vqgan(parseVqganConfig(tinyVqganJson));
    initializeVqgan(vqgan, prngKey(5));
    await saveVqgan(join(runs.root, 'vqgan'), vqgan);
    vqgan.dispose();
    const before = tf.memory().numTensors;
    await train('run', { samples, vqgan: join(runs.root, 'vqgan') });
    expect(tf.memory().numTensors).toBe(before);
    expect(readdirSync(join(runs.root, 'run', 'samples'))).toEqual([
      'rows.json',
      'step-00000004.png',
      'step-00000008.png',
    ]);
    const { width, height } = await sharp(runs.bytes('run', 'samples', 'step-00000008.png')).metadata();
    expect([width, height]).toEqual([3 * 8, 2 * 8]);
    const drawn = runs.bytes('run', 'samples', 'step-00000004.png');
    await train('silent'); // drawing changes no number of the run
    expect(runs.metrics('run')).toEqual(runs.metrics('silent'));
    await train('again', { samples, vqgan: join(runs.root, 'vqgan') }, stopAt(4));
    expect(runs.bytes('again', 'samples', 'step-00000004.png').equals(drawn)).toBe(true);
    const defaults = { steps: 4, evaluation: { every: 0 }, vqgan: join(runs.root, 'vqgan') };
    await train('captions', defaults); // four captions of the set, at the end, as the model will draw
    const rows: string[] = JSON.parse(runs.bytes('captions', 'samples', 'rows.json').toString());
    expect(rows).toEqual(['a red ball', 'Ball, green!', 'a black ball', 'Ball, white!']);
    expect(readdirSync(join(runs.root, 'captions', 'samples'))).toEqual(['rows.json', 'step-00000004.png']);
    expect(runs.settings('captions', 'model', 'generation.json')).toEqual({
      condition_scale: 1.5,
      temperature: 0.5,
      top_k: 64,
    });
    // The VQGAN of a later model folder is that of the first one.
    expect(runs.same('run', 'again', 'model', 'vqgan', 'model.safetensors')).toBe(true);
  });

  test('event files can be left out', async () => {
    await train('run', { steps: 3, log: { every: 1, tensorboard: false } });
    expect(existsSync(join(runs.root, 'run', 'tensorboard'))).toBe(false);
  });
});

describe('checkpoints that are kept', () => {
  const kept = (name: string) => readdirSync(join(runs.root, name, 'checkpoints'));
  const best = { metric: 'trained.loss', goal: 'highest' };

  test('the best by an evaluation, however old, and over a resume; its evaluation writes one', async () => {
    // The loss of what is trained falls, so its highest value is the first one's.
    const changes = {
      steps: 12,
      evaluation: { every: 3, trainRows: 5 },
      checkpoint: { every: 4, keep: 1, best },
    };
    await train('run', changes, stopAt(7));
    expect(kept('run')).toEqual(['step-00000003', 'step-00000007']);
    await train('run', changes, { resume: true });
    expect(kept('run')).toEqual(['step-00000003', 'step-00000012']);
    const state = JSON.parse(runs.bytes('run', 'checkpoints', 'step-00000012', 'state.json').toString());
    const first = runs.metrics('run').find((line) => line.kind === 'trained') as LoggedLine;
    expect(state.best).toEqual({ metric: 'trained.loss', value: first.loss, step: 3 });
  });

  test('by the clock, whatever the step', async () => {
    await train('run', { steps: 3, checkpoint: { every: 0, minutes: 1e-9, keep: 9 } });
    expect(kept('run')).toEqual(['step-00000001', 'step-00000002', 'step-00000003']);
  });

  test('a metric that no evaluation has stops the run at the first one, and names those that are', async () => {
    const wrong = { every: 4, best: { metric: 'eval.loss', goal: 'lowest' } };
    await expect(train('run', { checkpoint: wrong })).rejects.toThrow(
      /no "eval\.loss".*It has trained\.loss/,
    );
  });
});

describe('failures on the way', () => {
  test('a loss that is no number stops the run; the last checkpoint stays and is named', async () => {
    const wild = {
      steps: 40,
      schedule: { learningRate: 1e30 },
      clipNorm: null,
      checkpoint: { every: 1, keep: 1 },
    };
    const failure = train('run', wild);
    await expect(failure).rejects.toThrow(TrainingError);
    await expect(failure).rejects.toThrow(
      /(loss|gradients|weights) is (NaN|-?Infinity).*last good checkpoint is .*step-00000001/,
    );
    const [checkpoint] = readdirSync(join(runs.root, 'run', 'checkpoints'));
    expect(readdirSync(join(runs.root, 'run', 'checkpoints', checkpoint as string))).toHaveLength(3);
    expect(existsSync(join(runs.root, 'run', 'lock'))).toBe(false);
  });

  test('the batch of such a loss is saved as it was read: captions, tokens, keys', async () => {
    // The first update has learning rate 0, the second breaks the weights, the third sees it.
    const wild = { steps: 9, schedule: { learningRate: 1e30, warmupSteps: 1 }, checkpoint: { every: 0 } };
    await expect(train('run', { ...wild, accumulate: 2, batchSize: 2 })).rejects.toThrow(
      /step 3: .* batch is in .*failed-batch\.json\. There is no checkpoint yet/,
    );
    const { step, seed, keys, samples } = JSON.parse(runs.bytes('run', 'failed-batch.json').toString());
    expect([step, seed, keys.length, samples.length]).toEqual([3, 3, 2, 4]);
    expect(keys[0]).toEqual({
      noise: [expect.any(Number), expect.any(Number)],
      dropout: [expect.any(Number), expect.any(Number)],
    });
    const tokenizer = await openTokenizer(join(runs.shared, 'tokenizer'));
    for (const { caption, textTokens, tokens, decoderInput } of samples) {
      expect(caption.trim()).toMatch(/^(a \w+ ball|ball,? \w+!?|)$/);
      expect(tokenizer.decode(textTokens)).toBe(caption);
      expect(tokens).toHaveLength(16);
      expect(decoderInput[0]).toBe(18); // the start token
      for (const [t, token] of decoderInput.slice(1).entries()) expect([tokens[t], 18]).toContain(token);
    }
  });

  test('a checkpoint that cannot be written stops the run; the model of the one before stays', async () => {
    const onEvent = (event: TrainingEvent) => {
      if (event.kind !== 'step' || event.step !== 8) return;
      rmSync(join(runs.root, 'run', 'checkpoints'), { recursive: true });
      writeFileSync(join(runs.root, 'run', 'checkpoints'), 'a file in the way');
    };
    await expect(train('run', {}, { onEvent })).rejects.toThrow(/step 8: can't be written.*ENOTDIR/);
    expect(existsSync(join(runs.root, 'run', 'lock'))).toBe(false);
    expect((await openDalleBart(join(runs.root, 'run', 'model'))).config.dModel).toBe(8); // that of step 4
  });
});

test('the number of tensors stays the same from step to step', async () => {
  const counts: number[] = [];
  await train(
    'run',
    { evaluation: { every: 0 }, checkpoint: { every: 0 } },
    {
      onEvent: (event) => event.kind === 'step' && counts.push(tf.memory().numTensors),
    },
  );
  expect(new Set(counts.slice(1)).size).toBe(1);
});
