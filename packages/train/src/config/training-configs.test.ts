import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDalleBartConfig } from '@easel/bart';
import { bartParameters } from '@easel/bart/internals';
import { parseVqganConfig } from '@easel/vqgan';
import { describe, expect, test } from '@jest/globals';
import { elementCount } from 'safetensors-ts';
import { drawingKind } from '../sweep/drawing-kind.js';
import { planSweep } from '../sweep/run-sweep.js';
import { parseSweepConfig } from '../sweep/sweep-config.js';
import { seq2seqKind, vqganKind } from '../sweep/training-kind.js';
import { parseSeq2SeqConfig } from './seq2seq-config.js';
import { parseVqganTrainingConfig } from './vqgan-config.js';

const folder = join(import.meta.dirname, '../../../../configs/train');
const readJson = (name: string) =>
  JSON.parse(readFileSync(join(folder, name), 'utf8')) as Record<string, unknown>;

describe('configs/train', () => {
  test.each(readdirSync(folder).filter((name) => name.endsWith('.json')))(
    '%s is valid, its model too unless it is another run’s',
    (name) => {
      const json = readJson(name);
      if (json.kind === 'vqgan') {
        const config = parseVqganTrainingConfig(json, name);
        if (config.init === null) parseVqganConfig(config.model, name);
      } else {
        const config = parseSeq2SeqConfig(json, name);
        if (config.init === null) parseDalleBartConfig(config.model, name);
      }
    },
  );
});

describe('configs/experiments', () => {
  const experiments = join(folder, '../experiments');
  const sweeps = readdirSync(experiments).filter(
    (name) => JSON.parse(readFileSync(join(experiments, name), 'utf8')).kind === 'sweep',
  );
  test.each(sweeps)('%s: every run is valid', async (name) => {
    const json = JSON.parse(readFileSync(join(experiments, name), 'utf8'));
    if (typeof json.base === 'string') json.base = join(folder, '../..', json.base);
    const config = parseSweepConfig(json, name);
    const { runs } = await planSweep(config, [seq2seqKind, vqganKind, drawingKind]);
    expect(runs.length).toBeGreaterThan(8);
    expect(config.claim).not.toBeNull();
  });

  test('GLU and FFN have equally many parameters', async () => {
    const json = JSON.parse(readFileSync(join(experiments, 'variants.json'), 'utf8'));
    const config = parseSweepConfig({ ...json, base: join(folder, '../..', json.base) });
    const { runs } = await planSweep(config, [seq2seqKind]);
    const count = (variant: string) => {
      const settings = runs.find((run) => run.variant === variant)?.settings;
      // Kernels alone: the norm inside of the block is as wide as the block.
      return bartParameters(parseDalleBartConfig(settings?.model))
        .filter(({ shape }) => shape.length > 1)
        .reduce((sum, { shape }) => sum + elementCount(shape), 0);
    };
    expect(count('FFN')).toBe(count('NormFormer, GLU, GELU (base)'));
  });
});

describe('configs/models', () => {
  // Numbers of parameters of the original's files: model-by-model sums over its own parameter
  // trees.
  test.each([
    ['micro', 23_709_696],
    ['mini', 538_593_280],
    ['mini_glu', 437_903_344],
    ['mini-1', 437_833_712],
    ['mega', 2_587_521_024],
  ])('%s has as many parameters as the original', (name, count) => {
    const json = JSON.parse(readFileSync(join(folder, '../models', `${name}.json`), 'utf8'));
    const sizes = bartParameters(parseDalleBartConfig(json, name)).map(({ shape }) => elementCount(shape));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(count);
  });
});

const seq2seq = {
  model: {},
  tokenizer: 't',
  steps: 1,
  data: { train: 'd' },
  schedule: { learningRate: 1e-3 },
};
const vqgan = { model: {}, steps: 1, data: { train: 'd' }, schedule: { learningRate: 1e-3 } };

describe('settings that do not go together', () => {
  test.each([
    ['model and init', { ...seq2seq, init: 'm' }, /either model.*or init/],
    ['neither', { ...seq2seq, model: null }, /either model.*or init/],
    ['a fresh model without tokenizer', { ...seq2seq, tokenizer: null }, /tokenizer: expected a folder/],
    ['steps and epochs', { ...seq2seq, epochs: 2 }, /either steps .* or epochs .*, got steps 1 and epochs 2/],
    [
      'a warm-up as long as the run',
      { ...seq2seq, steps: 9, schedule: { learningRate: 1, warmupSteps: 9, decay: 'linear' } },
      /x\.json: schedule\.warmupSteps: expected fewer than the run's 9 steps, since decay "linear"/,
    ],
    [
      'two evaluation sets',
      { ...seq2seq, data: { train: 'd', eval: 'e', evalFraction: 0.1 } },
      /either eval or evalFraction/,
    ],
    [
      'exponential decay without its rate',
      { ...seq2seq, schedule: { learningRate: 1, decay: 'exponential' } },
      /transitionSteps and decayRate/,
    ],
    [
      'decay settings without exponential decay',
      { ...seq2seq, schedule: { learningRate: 1, decayRate: 0.5 } },
      /only .*exponential/,
    ],
    [
      'Adafactor with settings of AdamW',
      { ...seq2seq, optimizer: { name: 'adafactor', decay: 'matrices' } },
      /decays all weights/,
    ],
    ['a config of the other kind', { ...seq2seq, kind: 'vqgan' }, /kind: expected "seq2seq"/],
  ])('seq2seq: %s', (_, json, message) => {
    expect(() => parseSeq2SeqConfig(json, 'x.json')).toThrow(message);
  });

  test.each([
    ['model and init', { ...vqgan, init: 'm' }, /either model.*or init/],
    ['steps and epochs', { ...vqgan, epochs: 2 }, /either steps .* or epochs .*, got steps 1 and epochs 2/],
    [
      'two evaluation sets',
      { ...vqgan, data: { train: 'd', eval: 'e', evalFraction: 0.1 } },
      /either eval or evalFraction/,
    ],
    [
      'a learning rate that is missing',
      { ...vqgan, schedule: {} },
      /x\.json: schedule\.learningRate: .*missing/,
    ],
  ])('vqgan: %s', (_, json, message) => {
    expect(() => parseVqganTrainingConfig(json, 'x.json')).toThrow(message);
  });
});

test("docs/training-flags.md names every flag of the original's trainer once, and settings that exist", () => {
  const lines = readFileSync(join(folder, '../../docs/training-flags.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `') || line.startsWith('Of a TPU pod'));
  const config = parseSeq2SeqConfig({ ...seq2seq, model: {}, checkpoint: { best: { metric: 'eval.loss' } } });
  const names = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] as string);
  const flags: string[] = [];
  for (const line of lines) {
    const [, flag = '', setting = ''] = line.startsWith('|') ? line.split('|') : ['', line];
    flags.push(...names(flag));
    for (const path of names(setting)) {
      if (path.startsWith('--')) continue;
      const keys = path.replace(/:.*/, '').split('.');
      let at: unknown = config;
      for (const key of keys) {
        expect(at).toHaveProperty(key);
        at = (at as Record<string, unknown>)[key];
      }
    }
  }
  expect(new Set(flags).size).toBe(flags.length);
  // Of tools/train/train.py: ModelArguments, DataTrainingArguments, TrainingArguments.
  expect(flags).toHaveLength(72);
});
