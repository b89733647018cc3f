import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import sharp from 'sharp';
import { startTestBackend } from '../../testing/backend.js';
import { tinyVqganJson } from '../../testing/tiny-models.js';
import { parseVqganTrainingConfig } from '../config/vqgan-config.js';
import { nativeBackend } from '../run/native-backend.js';
import type { PicturesEvent, TrainingEvent } from '../run/training-loop.js';
import { planVqgan } from './plan-vqgan.js';
import { trainVqgan } from './train-vqgan.js';

let root: string;
beforeAll(async () => {
  await startTestBackend();
  root = mkdtempSync(join(tmpdir(), 'easel-plan-vqgan-'));
  mkdirSync(join(root, 'pictures'));
  for (let i = 0; i < 7; i++)
    await sharp({ create: { width: 9, height: 11, channels: 3, background: { r: 30 * i, g: 90, b: 7 } } })
      .png()
      .toFile(join(root, 'pictures', `${i}.png`));
  writeFileSync(join(root, 'pictures', 'broken.png'), 'no picture');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const settings = (changes: object = {}) =>
  parseVqganTrainingConfig({
    model: tinyVqganJson,
    data: { train: join(root, 'pictures') },
    steps: 9,
    batchSize: 3,
    codebook: { startStep: 2, kmeansLatents: 50 },
    schedule: { learningRate: 1e-3 },
    ...changes,
  });

test.each([
  ['alone', {}],
  ['streamed', { data: { train: undefined, order: 'streamed' } }],
  ['with a discriminator', { adversarial: { startStep: 4, layers: 1, width: 4 } }],
])('%s: pictures are counted, memory and time are told, nothing is written or left', async (_, changes) => {
  const data = { train: join(root, 'pictures') };
  const config = settings('data' in changes ? { data: { ...changes.data, ...data } } : changes);
  const before = tf.memory().numTensors;
  const plan = await planVqgan(config);
  expect(tf.memory().numTensors).toBe(before);
  expect(readdirSync(root)).toEqual(['pictures']);
  const streamed = config.data.order === 'streamed'; // it is met later
  expect(plan.pictures.training).toBe(streamed ? 8 : 7);
  expect(plan.pictures).toMatchObject({ heldOut: false, failures: { undecodable: 1 } });
  expect(plan.batch.files).toHaveLength(3);
  expect([plan.batch.picture.width, plan.batch.picture.height]).toEqual([24, 8]);
  const { weights, gradients, optimizer, total, flop } = plan.memory ?? {};
  if ((await nativeBackend()) !== undefined) {
    const parameters = plan.parameters.reduce((sum, { count }) => sum + count, 0);
    expect(gradients).toBe(4 * parameters);
    expect(weights).toBeGreaterThanOrEqual(4 * parameters);
    expect(optimizer).toBeGreaterThan(gradients as number);
    expect(total).toBeGreaterThan(weights as number);
    expect(flop).toBeGreaterThan(0);
  }
  expect(plan.time).toMatchObject({ how: 'measured', updates: 'adversarial' in changes ? 6 : 3 });
});

test('the length follows from epochs, or by default from the pictures, in the plan and in the run', async () => {
  // 7 pictures are 2 updates of 3 a pass; so few are gone through 400 times
  const byDefault = await planVqgan(settings({ steps: null }), { time: false });
  expect(byDefault.length).toEqual({ steps: 800, from: 'default', epochs: 400 });
  expect(byDefault.steps).toBe(800);
  expect((await planVqgan(settings(), { time: false })).length).toEqual({ steps: 9, from: 'steps' });
  const events: TrainingEvent[] = [];
  const run = { out: join(root, 'run'), onEvent: (event: TrainingEvent) => events.push(event) };
  expect(await trainVqgan(settings({ steps: null, epochs: 2 }), run)).toMatchObject({ step: 4 });
  expect(events.find(({ kind }) => kind === 'length')).toEqual({
    kind: 'length',
    steps: 4,
    from: 'epochs',
    epochs: 2,
  });
  rmSync(run.out, { recursive: true });
  const judged = settings({ steps: null, epochs: 2, adversarial: { startStep: 4, layers: 1, width: 4 } });
  await expect(planVqgan(judged, { time: false })).rejects.toThrow(
    /Training: adversarial\.startStep 4 is not before the end of a run of 4 steps/,
  );
  const warm = { learningRate: 1e-3, warmupSteps: 4, decay: 'linear' };
  await expect(planVqgan(settings({ steps: null, epochs: 2, schedule: warm }))).rejects.toThrow(
    /warmupSteps: expected fewer than the run's 4 steps/,
  );
});

test('pictures that are not there are an error', async () => {
  await expect(planVqgan(settings({ data: { train: join(root, 'none') } }))).rejects.toThrow('none');
});

test('a run tells how many pictures it left out, and where they are named', async () => {
  const events: TrainingEvent[] = [];
  const out = join(root, 'run');
  await trainVqgan(settings({ steps: 3 }), { out, onEvent: (event) => events.push(event) });
  const [first, ...more] = events.filter((event): event is PicturesEvent => event.kind === 'pictures');
  expect(first).toEqual({
    kind: 'pictures',
    training: 7,
    failures: { undecodable: 1 },
    log: join(out, 'skipped.jsonl'),
  });
  expect(more).toEqual([]);
});
