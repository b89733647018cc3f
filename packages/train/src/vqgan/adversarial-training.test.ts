import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointError, ConfigError, prngKey } from '@easel/core';
import { saveSafetensors } from '@easel/core/node';
import { initializeDiscriminator, Lpips, PatchDiscriminator } from '@easel/vqgan';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { startTestBackend } from '../../testing/backend.js';
import { drawPictures } from '../../testing/drawings.js';
import { type LoggedLine, readMetrics, stopAt } from '../../testing/runs.js';
import { tinyVqganJson } from '../../testing/tiny-models.js';
import { parseVqganTrainingConfig } from '../config/vqgan-config.js';
import type { TrainingOptions } from '../run/training-loop.js';
import { trainVqgan } from './train-vqgan.js';

// Whole steps beside taming's are cases of the conformance runner; here is what a run makes of them.

jest.setTimeout(300_000);

let root: string;
let pictures: string;
let lpips: string;
beforeAll(async () => {
  await startTestBackend();
  root = mkdtempSync(join(tmpdir(), 'easel-adversarial-'));
  pictures = join(root, 'pictures');
  await drawPictures(pictures, 9);
  lpips = join(root, 'lpips.safetensors');
  const model = new Lpips([2, 3, 4, 3, 2]);
  let seed = 1;
  for (const weight of model.namedWeights().values())
    tf.tidy(() => weight.assign(tf.abs(tf.randomNormal(weight.shape, 0, 0.5, 'float32', seed++))));
  await saveSafetensors(lpips, model.namedWeights(), { dtype: 'F32' });
  model.dispose();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const model = { ...tinyVqganJson, resolution: 16, codebook_norm: 'none' };
const adversarial = { startStep: 5, layers: 1, width: 4 };
const settings = (changes: Record<string, unknown> = {}) => ({
  ...{ seed: 5, model, data: { train: pictures }, steps: 9, batchSize: 4, clipNorm: 1 },
  optimizer: { beta1: 0.5, beta2: 0.9 },
  schedule: { learningRate: 2e-3, warmupSteps: 2, decay: 'cosine' },
  codebook: { startStep: 3, kmeansLatents: 100, restartEvery: 2, restartUntil: 1, restartBelow: 0.4 },
  evaluation: { every: 3, pictures: 6 },
  log: { every: 1 },
  checkpoint: { every: 3, keep: 9 },
  adversarial,
  ...changes,
});

const train = (name: string, changes: Record<string, unknown> = {}, options: Partial<TrainingOptions> = {}) =>
  trainVqgan(parseVqganTrainingConfig(settings(changes)), { out: join(root, name), ...options });
const metrics = (name: string) => readMetrics(join(root, name)).filter((line) => line.kind === 'train');

/** As taming trains, but for the codes that are moved. */
const asTaming = () => ({
  reconstruction: { l1: 1, mse: 0 },
  perceptual: { kind: 'lpips', files: [lpips], dropout: true },
  codebook: { ...settings().codebook, learning: 'gradient', startStep: 0, kmeansLatents: 0 },
  adversarial: { ...adversarial, idle: false, loss: 'vanilla', actNorm: true },
});

describe('a run in three phases', () => {
  test('logs what each of them has, moves the discriminator from its step on, and leaves no tensors', async () => {
    const before = tf.memory().numTensors;
    const counts: number[] = [];
    const onEvent: TrainingOptions['onEvent'] = (event) => {
      if (event.kind === 'step') counts.push(tf.memory().numTensors);
    };
    await train('phases', { evaluation: { every: 0 }, checkpoint: { every: 0 } }, { onEvent });
    expect(tf.memory().numTensors).toBe(before);
    expect(new Set(counts.slice(5)).size).toBe(1);
    const lines = metrics('phases');
    const own = ['gradientNorm', 'reconstruction', 'quantization', 'perplexity', 'restarts'];
    const judged = ['generatorLoss', 'adaptiveWeight', 'discriminatorLoss', 'logitsReal', 'logitsFake'];
    for (const [i, line] of lines.entries()) {
      for (const name of own.slice(0, i < 3 ? 2 : 5)) expect(line[name]).toBeGreaterThanOrEqual(0);
      for (const name of judged) expect(Number.isFinite(line[name])).toBe(i >= 5);
      expect('perceptual' in line).toBe(false);
    }
    const { loss, reconstruction, quantization, adaptiveWeight, generatorLoss } = lines[7] as LoggedLine;
    expect(loss).toBeCloseTo(reconstruction + quantization + adaptiveWeight * generatorLoss, 5);
  });

  test('stopped in each of them, it ends bit for bit as one that was not', async () => {
    await train('whole');
    for (const step of [2, 3, 4, 5, 7])
      expect((await train('parts', {}, { resume: true, ...stopAt(step) })).step).toBe(step);
    expect((await train('parts', {}, { resume: true })).complete).toBe(true);
    expectSameRuns('whole', 'parts');
    expect(metrics('whole').at(-1)?.restarts).toBeGreaterThan(0);
  });
});

describe('as taming trains', () => {
  test('stopped, it ends bit for bit as one that was not', async () => {
    await train('taming', asTaming());
    for (const step of [1, 5, 6]) await train('taming-parts', asTaming(), { resume: true, ...stopAt(step) });
    await train('taming-parts', asTaming(), { resume: true });
    expectSameRuns('taming', 'taming-parts');
  });

  test('before its step the discriminator is seen and does not count', () => {
    const [first, sixth] = [0, 5].map((i) => metrics('taming')[i]) as [LoggedLine, LoggedLine];
    expect(first.discriminatorLoss).toBe(0);
    expect(Number.isFinite(first.logitsReal)).toBe(true);
    expect(first.loss).toBeCloseTo(first.reconstruction + first.perceptual + first.quantization, 5);
    expect(sixth.discriminatorLoss).toBeGreaterThan(0);
    const evaluated = readMetrics(join(root, 'taming')).find((line) => line.kind === 'trained');
    expect(evaluated?.lpips).toBeGreaterThan(0);
  });
});

function expectSameRuns(a: string, b: string): void {
  for (const part of ['model', 'optimizer', 'codebook', 'discriminator', 'discriminatorOptimizer']) {
    const [first, second] = [a, b].map((run) =>
      readFileSync(join(root, run, 'checkpoints', 'step-00000009', `${part}.safetensors`)),
    );
    expect([part, first?.equals(second as Buffer)]).toEqual([part, true]);
  }
  expect(readMetrics(join(root, b))).toEqual(readMetrics(join(root, a)));
}

describe('a discriminator to go on from', () => {
  test('is one of a checkpoint; others, and other sizes, are refused', async () => {
    const parts = ['whole', 'checkpoints', 'step-00000009', 'discriminator.safetensors'];
    const init = join(root, ...parts);
    await train('continued', { adversarial: { ...adversarial, init }, steps: 6 });
    const taming = new PatchDiscriminator({ layers: 2, width: 4 });
    initializeDiscriminator(taming, prngKey(1));
    const file = join(root, 'other.safetensors');
    await saveSafetensors(file, taming.namedWeights(), { dtype: 'F32' });
    taming.dispose();
    const before = tf.memory().numTensors;
    const refused = train('refused', { adversarial: { ...adversarial, init: file } });
    await expect(refused).rejects.toThrow(CheckpointError);
    await expect(refused).rejects.toThrow(/conv2/);
    await expect(train('refused', { adversarial: { ...adversarial, init: lpips } })).rejects.toThrow(
      /expected a discriminator/,
    );
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('refused', () => {
  test.each([
    [
      'a typo',
      { adversarial: { startSteps: 3 } },
      /adversarial\.startSteps: there is no such setting\. Did you mean.*startStep/,
    ],
    [
      'a start that never comes',
      { adversarial: {} },
      /startStep 10000 is not before the end of a run of 9 steps/,
    ],
    ['a discriminator before the codebook', { adversarial: { startStep: 2 } }, /before the codebook begins/],
    ['LPIPS without its files', { perceptual: { kind: 'lpips' } }, /lpips needs files.*pyramid/],
    ['files without LPIPS', { perceptual: { files: ['a'] } }, /files go only with/],
    ['another loss', { adversarial: { loss: 'hing' } }, /"hinge" or "vanilla".*hinge/],
  ])('%s', (_, changes, message) => {
    expect(() => parseVqganTrainingConfig(settings(changes))).toThrow(ConfigError);
    expect(() => parseVqganTrainingConfig(settings(changes))).toThrow(message);
  });

  test('pictures too small for the discriminator or LPIPS, before anything is trained', async () => {
    const before = tf.memory().numTensors;
    await expect(train('small', { adversarial: { startStep: 5, layers: 4 } })).rejects.toThrow(
      /adversarial\.layers 4: pictures of 16 pixels/,
    );
    const tiny = { ...model, resolution: 8 };
    await expect(train('small', { ...asTaming(), adversarial: null, model: tiny })).rejects.toThrow(
      /16 pixels and more, got 8/,
    );
    expect(tf.memory().numTensors).toBe(before);
  });

  test('LPIPS weights of other shapes, named', async () => {
    const wrong = new Lpips([2, 3, 4, 3, 2]);
    const weights = new Map<string, tf.Variable>(wrong.namedWeights());
    const odd = tf.variable(tf.zeros([3, 3, 3, 5]));
    weights.set('conv2_2.kernel', odd);
    const file = join(root, 'wrong.safetensors');
    await saveSafetensors(file, weights, { dtype: 'F32' });
    wrong.dispose();
    odd.dispose();
    const perceptual = { kind: 'lpips', files: [file] };
    await expect(train('wrong', { perceptual })).rejects.toThrow(/conv2_2\.kernel/);
    await expect(train('wrong', { perceptual: { kind: 'lpips', files: ['/nowhere'] } })).rejects.toThrow(
      /nowhere/,
    );
  });

  test('a run resumed with another adversarial part', async () => {
    await expect(train('whole', { adversarial: null }, { resume: true })).rejects.toThrow(
      /adversarial was \{.*\}, now null/,
    );
    await expect(
      train('whole', { adversarial: { ...adversarial, width: 8 } }, { resume: true }),
    ).rejects.toThrow(/adversarial\.width was 4, now 8/);
  });
});

test('a discriminator that breaks stops the run; the checkpoint before stays', async () => {
  const wild = { ...adversarial, rate: 1e36 };
  await expect(train('wild', { adversarial: wild, checkpoint: { every: 1, keep: 1 } })).rejects.toThrow(
    /Training stopped at step \d.*last good checkpoint/s,
  );
});
