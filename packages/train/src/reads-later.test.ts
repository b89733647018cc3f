import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BpeTokenizer,
  DalleBart,
  type GenerateInputs,
  generateBeams,
  generateTokens,
  initializeDalleBart,
  parseDalleBartConfig,
  trainBpe,
} from '@easel/bart';
import { saveTokenizer } from '@easel/bart/node';
import { prngKey } from '@easel/core';
import { saveSafetensors } from '@easel/core/node';
import { initializeVqgan, Lpips, parseVqganConfig, Vqgan } from '@easel/vqgan';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { drawPictures } from '../testing/drawings.js';
import { awaited, READS_LATER, READS_NOW, registerReadsLater } from '../testing/reads-later.js';
import { readMetrics } from '../testing/runs.js';
import { slidingRows } from '../testing/seq2seq-runs.js';
import { tinyDalleBartJson, tinyVqganJson } from '../testing/tiny-models.js';
import { parseSeq2SeqConfig } from './config/seq2seq-config.js';
import { parseVqganTrainingConfig } from './config/vqgan-config.js';
import { writeShard } from './encoded/shards.js';
import { trainSeq2Seq } from './seq2seq/train-seq2seq.js';
import { trainVqgan } from './vqgan/train-vqgan.js';

// On a backend whose results can only be awaited, as a GPU's: every kind of training step, and a drawing, is what it is where they can be read at once, bit for bit.

jest.setTimeout(300_000);

let root: string;
beforeAll(async () => {
  registerReadsLater();
  await tf.setBackend(READS_NOW);
  root = mkdtempSync(join(tmpdir(), 'easel-reads-later-'));
  const rows = slidingRows(
    ['red', 'green', 'blue'].map((colour) => [`a ${colour} ball`, `Ball, ${colour}!`]),
  );
  mkdirSync(join(root, 'set'));
  await writeShard(join(root, 'set', 'shard-00000.parquet'), rows);
  const bpe = trainBpe(
    rows.map(({ caption }) => caption),
    { vocabSize: 280 },
  );
  await saveTokenizer(join(root, 'tokenizer'), new BpeTokenizer(bpe));
  await drawPictures(join(root, 'pictures'), 5);
  const lpips = new Lpips([2, 3, 4, 3, 2]);
  let seed = 1;
  for (const weight of lpips.namedWeights().values())
    tf.tidy(() => weight.assign(tf.abs(tf.randomNormal(weight.shape, 0, 0.5, 'float32', seed++))));
  await saveSafetensors(join(root, 'lpips.safetensors'), lpips.namedWeights(), { dtype: 'F32' });
  lpips.dispose();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

test('the backend refuses to be read at once', async () => {
  await tf.setBackend(READS_LATER);
  const x = tf.add(tf.tensor1d([1, 2]), 1);
  expect(() => x.dataSync()).toThrow(/without being awaited/);
  expect(() => x.arraySync()).toThrow(/without being awaited/);
  expect([...(await x.data())]).toEqual([2, 3]);
});

/** Lines and checkpoint of a run on both backends must be the same. */
async function runsTheSame(run: (out: string) => Promise<unknown>): Promise<void> {
  const found: { lines: unknown; files: Map<string, Buffer> }[] = [];
  for (const backend of [READS_NOW, READS_LATER]) {
    await tf.setBackend(backend);
    const out = join(root, `run-${backend}`);
    rmSync(out, { recursive: true, force: true });
    const before = tf.memory().numTensors;
    await run(out);
    expect(tf.memory().numTensors).toBe(before);
    const checkpoints = join(out, 'checkpoints');
    const folder = join(checkpoints, readdirSync(checkpoints).at(-1) as string);
    const names = readdirSync(folder).filter((name) => name.endsWith('.safetensors'));
    const files = new Map(names.map((name) => [name, readFileSync(join(folder, name))]));
    found.push({ lines: readMetrics(out), files });
  }
  const [plain, later] = found as [(typeof found)[0], (typeof found)[0]];
  expect(later.lines).toEqual(plain.lines);
  expect([...later.files.keys()]).toEqual([...plain.files.keys()]);
  for (const [name, bytes] of plain.files)
    expect([name, later.files.get(name)?.equals(bytes)]).toEqual([name, true]);
}

const pace = {
  log: { every: 1 },
  evaluation: { every: 0 },
  checkpoint: { every: 0 },
};

describe('a step of the text model', () => {
  const shampoo = {
    name: 'shampoo',
    shampoo: { blockSize: 6, computeEvery: 2, startStep: 1, largestDimension: 20 },
  };
  test.each<[string, Record<string, unknown>]>([
    ['AdamW, clipped', { clipNorm: 0.5 }],
    ['AdamW, streamed', {}],
    ['Adafactor', { clipNorm: 0.5, optimizer: { name: 'adafactor' } }],
    ['accumulated', { accumulate: 3 }],
    ['weights in bfloat16', { weights: 'bfloat16', clipNorm: 1 }],
    ['Shampoo with roots', { optimizer: shampoo, clipNorm: 1 }],
    [
      'Shampoo in bytes, streamed',
      { optimizer: { ...shampoo, shampoo: { ...shampoo.shampoo, quantized: true } } },
    ],
    [
      'layers computed again, norms and histograms',
      { gradientCheckpointing: true, log: { ...pace.log, norms: 2, histograms: 2 } },
    ],
  ])('%s', async (_, changes) => {
    const config = parseSeq2SeqConfig({
      ...{ ...pace, seed: 3, model: tinyDalleBartJson, tokenizer: join(root, 'tokenizer') },
      ...{ data: { train: join(root, 'set') }, steps: 3, batchSize: 2 },
      schedule: { learningRate: 0.01 },
      ...changes,
    });
    /** Reads so far, behind each step. */
    let reads: number[] = [];
    await runsTheSame((out) => {
      reads = [];
      return trainSeq2Seq(config, {
        out,
        onEvent: (event) => event.kind === 'step' && reads.push(awaited.reads),
      });
    });
    // In the second step neither roots nor statistics are due, but for the last case.
    const [first, second] = reads as [number, number, number];
    expect(reads).toHaveLength(3);
    if (!('log' in changes)) expect(second - first).toBe(1);
  });

  test('that fails is refused alike', async () => {
    const config = parseSeq2SeqConfig({
      ...{ ...pace, seed: 3, model: tinyDalleBartJson, tokenizer: join(root, 'tokenizer') },
      ...{ data: { train: join(root, 'set') }, steps: 9, batchSize: 2, clipNorm: 1 },
      schedule: { learningRate: 1e30 },
    });
    const told: string[] = [];
    for (const backend of [READS_NOW, READS_LATER]) {
      await tf.setBackend(backend);
      const out = join(root, 'failing');
      rmSync(out, { recursive: true, force: true });
      await expect(
        trainSeq2Seq(config, { out }).catch((error: Error) => {
          told.push(`${error.message} ${readFileSync(join(out, 'failed-batch.json'), 'utf8')}`);
          throw error;
        }),
      ).rejects.toThrow(/The weights were not changed by it/);
    }
    expect(told[1]).toBe(told[0]);
  });
});

describe('a step of the VQGAN', () => {
  const gradient = { learning: 'gradient', startStep: 0, kmeansLatents: 0 };
  const restarts = { restartEvery: 1, restartUntil: 1, restartBelow: 0.4 };
  const adversarial = { startStep: 1, layers: 1, width: 4 };
  test.each<[string, Record<string, unknown>]>([
    [
      'plain, then codes by averages from k-means, with restarts',
      { codebook: { startStep: 1, kmeansLatents: 40, ...restarts } },
    ],
    ['codes of length 1 by gradient, with restarts', { codebook: { ...gradient, ...restarts } }],
    ['with LPIPS', { perceptual: { kind: 'lpips' }, codebook: { startStep: 0, kmeansLatents: 0 } }],
    ['adversarial', { codebook: { startStep: 0, kmeansLatents: 0 }, clipNorm: 1, adversarial }],
    [
      'as taming trains, with ActNorm',
      {
        perceptual: { kind: 'lpips', dropout: true },
        codebook: gradient,
        adversarial: { ...adversarial, idle: false, actNorm: true },
      },
    ],
  ])('%s', async (_, changes) => {
    const { perceptual, ...others } = changes as { perceptual?: object };
    const config = parseVqganTrainingConfig({
      ...{ ...pace, seed: 5, data: { train: join(root, 'pictures') }, steps: 3, batchSize: 2 },
      model: { ...tinyVqganJson, resolution: 16 },
      schedule: { learningRate: 2e-3 },
      ...others,
      ...(perceptual && { perceptual: { ...perceptual, files: [join(root, 'lpips.safetensors')] } }),
    });
    await runsTheSame((out) => trainVqgan(config, { out }));
  });
});

describe('a drawing', () => {
  const inputs: GenerateInputs = {
    inputIds: Int32Array.of(0, 5, 9, 2, 0, 7, 2, 1),
    attentionMask: Int32Array.of(1, 1, 1, 1, 1, 1, 1, 0),
    uncondInputIds: Int32Array.of(0, 2, 1, 1, 0, 2, 1, 1),
    uncondAttentionMask: Int32Array.of(1, 1, 0, 0, 1, 1, 0, 0),
    rows: 2,
    length: 4,
  };
  test.each<[string, (model: DalleBart) => Promise<unknown>]>([
    ['greedy', (model) => generateTokens(model, inputs, { greedy: true })],
    ['by chance', (model) => generateTokens(model, inputs, { key: prngKey(7), topK: 5, temperature: 1.5 })],
    ['super conditioning', (model) => generateTokens(model, inputs, { key: prngKey(7), conditionScale: 4 })],
    ['beams', (model) => generateBeams(model, inputs, { beams: 3 })],
  ])('tokens: %s', async (_, draw) => {
    const drawn: unknown[] = [];
    for (const backend of [READS_NOW, READS_LATER]) {
      await tf.setBackend(backend);
      const model = new DalleBart(parseDalleBartConfig(tinyDalleBartJson));
      initializeDalleBart(model, prngKey(1));
      drawn.push(await draw(model));
      model.dispose();
    }
    expect(drawn[1]).toEqual(drawn[0]);
  });

  test('pictures of tokens, and tokens of pictures', async () => {
    const drawn: number[][] = [];
    for (const backend of [READS_NOW, READS_LATER]) {
      await tf.setBackend(backend);
      const vqgan = new Vqgan(parseVqganConfig(tinyVqganJson));
      initializeVqgan(vqgan, prngKey(2));
      const pixels = tf.tidy(() => vqgan.decodeCode(tf.range(0, 16, 1, 'int32').reshape([1, 16])));
      const tokens = vqgan.encode(pixels);
      drawn.push([...(await pixels.data()), ...(await tokens.data())]);
      tf.dispose([pixels, tokens]);
      vqgan.dispose();
    }
    expect(drawn[1]).toEqual(drawn[0]);
  });
});
