import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import sharp from 'sharp';
import { startTestBackend } from '../../testing/backend.js';
import { readRun } from '../report/read-run.js';
import { drawingKind } from './drawing-kind.js';

const model = join(import.meta.dirname, '../../../../data/models/emoji');
const drawingDefaults = { seed: 0, temperature: null, topP: null, conditionScale: null };
let root: string;
beforeAll(async () => {
  await startTestBackend();
  root = mkdtempSync(join(tmpdir(), 'easel-drawing-'));
  const draw = (file: string, figure: string) =>
    sharp(
      Buffer.from(
        `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="64" height="64" fill="white"/>${figure}</svg>`,
      ),
    )
      .png()
      .toFile(join(root, file));
  await draw('red.png', '<circle cx="32" cy="32" r="24" fill="red"/>');
  await draw('green.png', '<circle cx="32" cy="32" r="24" fill="green"/>');
  const plain = [
    { prompt: 'a red circle', file: 'red.png', concept: 'red' },
    { prompt: 'a green circle', file: 'green.png', concept: 'green' },
  ];
  writeFileSync(join(root, 'prompts.json'), JSON.stringify({ plain }));
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

test('the likeliest drawings of two prompts find their pictures, and are all alike', async () => {
  const settings = {
    kind: 'drawing',
    model,
    pictures: root,
    prompts: 2,
    perPrompt: 2,
    batchSize: 3,
    topK: 1,
  };
  expect(drawingKind.check(settings)).toBe(4);
  const out = join(root, 'out');
  mkdirSync(out);
  const told: number[] = [];
  const before = tf.memory().numTensors;
  const onProgress = (done: number, total: number) => told.push(done, total);
  expect(await drawingKind.run(settings, { out, onProgress })).toBe(true);
  expect(tf.memory().numTensors).toBe(before);
  expect(told).toEqual([3, 4, 4, 4]);
  const numbers = JSON.parse(readFileSync(join(out, 'metrics.jsonl'), 'utf8'));
  // With one code to choose from, drawings of a prompt are equal.
  expect(numbers).toMatchObject({ kind: 'drawing', top1: 100, top5: 100, diversity: 0, agreement: 1 });
  // A black picture would be √(16·16·3 + 8·8·3) = 31 off a white one.
  expect(numbers.distance).toBeGreaterThan(0.5);
  expect(numbers.distance).toBeLessThan(10);
  const { width, height } = await sharp(join(out, 'samples', 'step-00000001.png')).metadata();
  expect([width, height]).toEqual([128, 128]);
  const { name, config, sampleRows } = await readRun(out);
  expect(name).toBe('out');
  expect(config).toEqual({ ...drawingDefaults, ...settings, list: 'plain' });
  expect(sampleRows).toEqual(['a red circle', 'a green circle']);
});

test('stopped, too few prompts, a slip of the keyboard', async () => {
  const settings = { kind: 'drawing', model, pictures: root, prompts: 2 };
  const options = { out: root, onProgress: () => {} };
  const stopped = AbortSignal.abort();
  expect(await drawingKind.run(settings, { ...options, signal: stopped })).toBe(false);
  await expect(drawingKind.run({ ...settings, prompts: 3 }, options)).rejects.toThrow(
    /3 prompts in "plain", it has 2/,
  );
  await expect(drawingKind.run({ ...settings, list: 'plian' }, options)).rejects.toThrow(
    /prompts\.json: expected a list "plian" of judged prompts\. Did you mean "plain"\? It has "plain"\./,
  );
  expect(() => drawingKind.check({ ...settings, conditionScales: 1 })).toThrow(
    /Did you mean "conditionScale"/,
  );
});
