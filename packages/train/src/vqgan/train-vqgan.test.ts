import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, DataError } from '@easel/core';
import { openVqgan } from '@easel/vqgan/node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import sharp from 'sharp';
import { startTestBackend } from '../../testing/backend.js';
import { drawPictures } from '../../testing/drawings.js';
import { type LoggedLine, readMetrics, stopAt } from '../../testing/runs.js';
import { tinyVqganJson } from '../../testing/tiny-models.js';
import { parseVqganTrainingConfig } from '../config/vqgan-config.js';
import { readEncodedSet } from '../encoded/encoded-set.js';
import { encodePictures } from '../encoding/encode.js';
import { TrainingError } from '../run/training-error.js';
import type { TrainingOptions, TrainingResult } from '../run/training-loop.js';
import { openPictureFolder } from '../sources/picture-folder.js';
import { trainVqgan } from './train-vqgan.js';

// Seconds on native; on the portable backend, or a busy machine, many times that.
jest.setTimeout(300_000);

let root: string;
let pictures: string;
beforeAll(async () => {
  await startTestBackend();
  pictures = mkdtempSync(join(tmpdir(), 'easel-vqgan-pictures-'));
  await drawPictures(pictures, 12);
});
afterAll(() => {
  rmSync(pictures, { recursive: true, force: true });
});
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'easel-vqgan-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const settings = () => ({
  seed: 5,
  model: tinyVqganJson as unknown,
  data: { train: pictures } as Record<string, unknown>,
  steps: 8,
  batchSize: 4,
  optimizer: { beta2: 0.95, weightDecay: 1e-4 },
  schedule: { learningRate: 4e-3, warmupSteps: 2, decay: 'cosine', floor: 0.02 } as Record<string, unknown>,
  clipNorm: 1 as number | null,
  codebook: { startStep: 3, kmeansLatents: 40, restartEvery: 2, restartUntil: 1 } as Record<string, unknown>,
  evaluation: { every: 4, pictures: 6, gridPictures: 5 } as Record<string, unknown>,
  log: { every: 1 },
  checkpoint: { every: 4, keep: 2 },
});

const train = (name: string, changes: Record<string, unknown> = {}, options: Partial<TrainingOptions> = {}) =>
  trainVqgan(parseVqganTrainingConfig({ ...settings(), ...changes }), { out: join(root, name), ...options });

const bytes = (...path: string[]) => readFileSync(join(root, ...path));
const metrics = (name: string) => readMetrics(join(root, name));

test('a run learns, uses its codebook, draws grids, and leaves a VQGAN that encodes', async () => {
  const before = tf.memory().numTensors;
  const result = await train('run', {
    steps: 24,
    codebook: { startStep: 8, kmeansLatents: 48 },
    evaluation: { every: 8, pictures: 6, gridPictures: 5 },
  });
  expect(tf.memory().numTensors).toBe(before);
  expect(result).toMatchObject({ complete: true, step: 24, model: join(root, 'run', 'model') });

  const evaluations = metrics('run').filter((line) => line.kind === 'trained');
  expect(evaluations.map((line) => line.step)).toEqual([8, 16, 24]);
  const [early, , late] = evaluations as [LoggedLine, LoggedLine, LoggedLine];
  expect(Object.keys(early)).toEqual(['step', 'kind', 'psnr']); // no codes yet
  expect(late.psnr).toBeGreaterThan(early.psnr);
  expect(late.psnr).toBeGreaterThan(6);
  expect(late.codesUsed).toBeGreaterThan(3);
  expect(late.perplexity).toBeGreaterThan(2);
  expect(late.perplexity).toBeLessThanOrEqual(late.codesUsed);

  const lines = metrics('run').filter((line) => line.kind === 'train');
  expect(lines.slice(0, 8).every((line) => line.quantization === undefined)).toBe(true);
  expect(lines.slice(8).every((line) => line.quantization > 0)).toBe(true);
  expect(lines.at(-1)?.loss).toBeLessThan(lines[0]?.loss);

  expect(readdirSync(join(root, 'run', 'reconstructions'))).toEqual(
    ['08', '16', '24'].map((step) => `step-000000${step}.png`),
  );
  const grid = await sharp(join(root, 'run', 'reconstructions', 'step-00000024.png')).metadata();
  expect([grid.width, grid.height]).toEqual([5 * 8, 2 * 8]);

  const vqgan = await openVqgan(result.model);
  const out = join(root, 'encoded');
  const summary = await encodePictures(await openPictureFolder(pictures), { vqgan, out });
  vqgan.dispose();
  expect(summary).toMatchObject({ complete: true, pictures: 12, rows: 24 });
  expect((await readEncodedSet(out, { imageLength: 16, imageVocabSize: 18 })).captions).toHaveLength(24);
});

describe('going on', () => {
  test.each(['averages', 'gradient'])(
    'stopped in each phase, a run ends bit for bit as one that was not; codes by %s',
    async (learning) => {
      const codebook = { ...settings().codebook, ...(learning === 'gradient' ? { learning } : {}) };
      await train('whole', { codebook });
      // before the codebook begins, at its first step, and after a checkpoint
      for (const step of [2, 3, 5]) {
        expect(await train('parts', { codebook }, { resume: true, ...stopAt(step) })).toMatchObject({
          complete: false,
          step,
        });
      }
      expect(await train('parts', { codebook }, { resume: true })).toMatchObject({ complete: true, step: 8 });
      for (const file of ['model.safetensors', 'optimizer.safetensors', 'codebook.safetensors'])
        expect(
          bytes('parts', 'checkpoints', 'step-00000008', file).equals(
            bytes('whole', 'checkpoints', 'step-00000008', file),
          ),
        ).toBe(true);
      expect(metrics('parts')).toEqual(metrics('whole'));
    },
  );

  test('on streamed sources of two kinds, with weights and random squares, as well', async () => {
    const tar = join(root, 'pictures.tar');
    execFileSync('tar', ['-cf', tar, '-C', pictures, '.']);
    writeFileSync(join(pictures, 'broken.png'), 'broken');
    const data = {
      train: [
        { path: tar, weight: 2 },
        { path: pictures, weight: 1 },
      ],
      eval: pictures,
      order: 'streamed',
      crop: 'random',
      shuffleBuffer: 5,
    };
    await train('whole', { data });
    for (const step of [3, 5])
      expect(await train('parts', { data }, { resume: true, ...stopAt(step) })).toMatchObject({
        complete: false,
      });
    expect(await train('parts', { data }, { resume: true })).toMatchObject({ complete: true, step: 8 });
    rmSync(join(pictures, 'broken.png'));
    const model = ['checkpoints', 'step-00000008', 'model.safetensors'];
    expect(bytes('parts', ...model).equals(bytes('whole', ...model))).toBe(true);
    expect(metrics('parts')).toEqual(metrics('whole'));
    expect(bytes('whole', 'skipped.jsonl').toString()).toContain('"kind":"undecodable"');
  });

  test.each([
    [
      { order: 'streamed', evalFraction: 0.2 },
      /data\.evalFraction: nothing is held out of streamed pictures/,
    ],
    [{ crop: 'random' }, /data\.crop: pictures in memory are cut once/],
    [{ train: [] }, /data\.train: expected the path of pictures.*got \[\]/],
    [
      { train: [{ path: 'x', wieght: 1 }] },
      /data\.train\[0\]\.wieght: there is no such setting\. Did you mean "weight"/,
    ],
  ])('settings that do not go together: %j', (data, message) => {
    const parse = () => parseVqganTrainingConfig({ ...settings(), data: { train: pictures, ...data } });
    expect(parse).toThrow(message);
  });

  test('fine-tuning keeps the codebook of the model it goes on from', async () => {
    const first = await train('first', { steps: 10, codebook: { startStep: 5, kmeansLatents: 48 } });
    const second = await train('second', {
      model: null,
      init: first.model,
      steps: 2,
      schedule: { learningRate: 1e-12 },
      codebook: { decay: 1, restartEvery: 0 },
    });
    const [a, b] = [await openVqgan(first.model), await openVqgan(second.model)];
    const [before, after] = [a, b].map((vqgan) => [...vqgan.quantizer.codes.dataSync()]);
    for (const [i, value] of (before as number[]).entries()) expect(after?.[i]).toBeCloseTo(value, 5);
    a.dispose();
    b.dispose();
  });

  test.each(['averages', 'gradient'])(
    'of the decoder alone: the others keep their bits, the pictures come nearer; codes by %s',
    async (learning) => {
      const codebook = { ...settings().codebook, learning };
      const first = await train('first', { codebook });
      const tuned = { model: null, init: first.model, trainable: 'decoder', codebook, steps: 6 };
      await train('parts', tuned, stopAt(3));
      const second = await train('parts', tuned, { resume: true });
      const [a, b] = [await openVqgan(first.model), await openVqgan(second.model)];
      const changed = new Set<string>();
      for (const [name, weight] of a.namedWeights()) {
        const other = b.namedWeights().get(name)?.dataSync() as Float32Array;
        if (weight.dataSync().some((value, i) => value !== other[i]))
          changed.add(name.split('.')[0] as string);
      }
      expect([...changed].sort()).toEqual(['decoder', 'post_quant_conv']);
      a.dispose();
      b.dispose();
      const psnr = (result: TrainingResult) => result.splits.trained?.psnr as number;
      expect(psnr(second)).toBeGreaterThan(psnr(first));
      expect(() => train('third', { trainable: 'decoder' })).toThrow(
        'trainable "decoder": it goes with a VQGAN folder as init',
      );
    },
  );

  test('a run of before there was a setting goes on with its default', async () => {
    await train('run', {}, stopAt(2));
    const file = join(root, 'run', 'config.json');
    const { trainable, ...before } = JSON.parse(readFileSync(file, 'utf8'));
    expect(trainable).toBe('all');
    writeFileSync(file, JSON.stringify(before));
    expect(await train('run', {}, { resume: true })).toMatchObject({ complete: true });
  });

  test('refused: other pictures than the run was begun on', async () => {
    await train('run', {}, stopAt(1));
    const others = join(root, 'others');
    await drawPictures(others, 6);
    rmSync(join(root, 'run', 'config.json'));
    await expect(train('run', { data: { train: others } }, { resume: true })).rejects.toThrow(
      /begun on other training data/,
    );
  });
});

describe('pictures', () => {
  test('that are broken are named in a log and left out', async () => {
    const mixed = join(root, 'mixed');
    await drawPictures(mixed, 5);
    writeFileSync(join(mixed, 'broken.png'), 'not a picture');
    await train('run', { data: { train: mixed }, steps: 4 });
    const [line] = bytes('run', 'skipped.jsonl').toString().trim().split('\n');
    expect(JSON.parse(line as string)).toMatchObject({ file: 'broken.png' });
    expect(
      JSON.parse(bytes('run', 'checkpoints', 'step-00000004', 'state.json').toString()).position,
    ).toEqual({
      epoch: 4, // one batch of 4 an epoch
      batch: 0,
    });
  });

  test('may be held out, or come from a folder of their own', async () => {
    const share = await train('share', { data: { train: pictures, evalFraction: 0.5 }, steps: 4 });
    expect(Object.keys(share.splits)).toEqual(['eval']);
    const apart = await train('apart', { data: { train: pictures, eval: pictures }, steps: 4 });
    expect(apart.splits.eval?.psnr).toBeGreaterThan(0);
  });
});

describe('refused', () => {
  test.each([
    [
      'a folder that is not there',
      () => ({ data: { train: '/nowhere' } }),
      DataError,
      /nowhere: can't be read/,
    ],
    [
      'fewer pictures than a batch',
      () => ({ batchSize: 13 }),
      ConfigError,
      /12 rows don't fill one batch of 13/,
    ],
    [
      'a model config with a typo',
      () => ({ model: { ...tinyVqganJson, ch_mul: [1] } }),
      ConfigError,
      /ch_mult/,
    ],
    [
      'more pictures than memory',
      () => ({ model: { ...tinyVqganJson, resolution: 2048 }, data: { train: pictures, memoryLimit: 1 } }),
      DataError,
      /need 144 MiB.*limit of 1/,
    ],
  ])('%s', async (_, changes, kind, message) => {
    const before = tf.memory().numTensors;
    const failure = train('run', changes());
    await expect(failure).rejects.toThrow(kind);
    await expect(failure).rejects.toThrow(message);
    expect(tf.memory().numTensors).toBe(before);
    expect(existsSync(join(root, 'run', 'lock'))).toBe(false);
  });

  test('nothing but broken pictures', async () => {
    const folder = mkdtempSync(join(root, 'broken-'));
    writeFileSync(join(folder, 'a.png'), 'broken');
    await expect(train('run', { data: { train: folder } })).rejects.toThrow(/none of 1 can be decoded/);
  });
});

test('a loss that is no number stops the run and leaves the weights', async () => {
  const wild = {
    steps: 40,
    schedule: { learningRate: 1e30 },
    clipNorm: null,
    checkpoint: { every: 1, keep: 1 },
  };
  await expect(train('run', wild)).rejects.toThrow(TrainingError);
  const vqgan = await openVqgan(join(root, 'run', 'model'));
  vqgan.dispose();
});

test('the number of tensors stays the same from step to step', async () => {
  const counts: number[] = [];
  const quiet = {
    codebook: { startStep: 0, kmeansLatents: 20 },
    evaluation: { every: 0 },
    checkpoint: { every: 0 },
  };
  await train('run', quiet, {
    onEvent: (event) => {
      if (event.kind === 'step') counts.push(tf.memory().numTensors);
    },
  });
  expect(new Set(counts.slice(1)).size).toBe(1);
});
