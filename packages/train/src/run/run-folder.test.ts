import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, EaselError } from '@easel/core';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { type CheckpointState, readCheckpointPart } from './checkpoint-store.js';
import { RunFolder } from './run-folder.js';

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'easel-run-')), 'run');
});
afterEach(() => {
  rmSync(join(folder, '..'), { recursive: true, force: true });
});

const config = { steps: 10, optimizer: { name: 'adamw', beta1: 0.9 }, log: { every: 1 }, list: [1, 2] };
const state = (step: number): CheckpointState => ({
  version: 1,
  step,
  samples: step * 4,
  seconds: 1.5,
  key: [0, 7],
  position: { epoch: 0, batch: step },
  data: 'abc',
  lossSum: 0,
  lossSteps: 0,
});
const parts = (value: number) => ({
  model: new Map([['a.kernel', tf.tensor2d([value, 2, 3, 4], [2, 2])]]),
  optimizer: new Map([['step', tf.scalar(value)]]),
});
const open = (resume: boolean, settings: Record<string, unknown> = config) =>
  RunFolder.open(folder, { values: settings, free: ['log'], length: String(settings.steps) }, { resume });

/** A run with a checkpoint at step 3, closed. */
async function begun(): Promise<void> {
  const run = await open(false);
  await run.checkpoints.save(parts(3), state(3), 2);
  await run.close();
}

test('a fresh run saves its config; the lock goes at the end', async () => {
  const run = await open(false);
  expect(run.resumed).toBeNull();
  expect(JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))).toEqual(config);
  await expect(open(true)).rejects.toThrow(/another run writes into it/);
  expect(readdirSync(folder).sort()).toEqual(['checkpoints', 'config.json', 'lock', 'metrics.jsonl']);
  await run.log.addSitting();
  await run.close();
  expect(readdirSync(folder).sort()).toEqual([
    'checkpoints',
    'config.json',
    'metrics.jsonl',
    'sittings.jsonl',
  ]);
});

test('a run that ends before it began leaves nothing; where other files lie it is left alone', async () => {
  await (await open(false)).close();
  expect(readdirSync(folder)).toEqual([]);
  writeFileSync(join(folder, 'notes.txt'), 'mine');
  await (await open(false)).close();
  expect(readdirSync(folder).sort()).toEqual(['checkpoints', 'config.json', 'metrics.jsonl', 'notes.txt']);
});

test('checkpoints come back as they were; the newest counts, the oldest go', async () => {
  const run = await open(false);
  for (const step of [2, 4, 6]) await run.checkpoints.save(parts(step), state(step), 2);
  await run.close();
  expect(readdirSync(join(folder, 'checkpoints'))).toEqual(['step-00000004', 'step-00000006']);
  const again = await open(true);
  expect(again.resumed?.state).toEqual(state(6));
  const model = await readCheckpointPart(again.resumed?.path as string, 'model');
  expect([...(model.get('a.kernel')?.data ?? [])]).toEqual([6, 2, 3, 4]);
  expect(model.get('a.kernel')?.shape).toEqual([2, 2]);
  expect((await readCheckpointPart(again.resumed?.path as string, 'optimizer')).get('step')?.data[0]).toBe(6);
  await expect(readCheckpointPart(again.resumed?.path as string, 'codebook')).rejects.toThrow(
    /codebook\.safetensors: can't be read \(ENOENT.*from the one before/,
  );
  await again.close();
});

describe('opening a folder that holds a run', () => {
  test('is refused without resume, at its step', async () => {
    await begun();
    await expect(open(false)).rejects.toThrow(ConfigError);
    await expect(open(false)).rejects.toThrow(/step 3 of 10/);
    expect(existsSync(join(folder, 'lock'))).toBe(false);
  });

  test('is refused with other settings, all of them named; those that do not matter may change', async () => {
    await begun();
    const other = { ...config, steps: 20, optimizer: { name: 'adamw', beta1: 0.8 }, list: [1] };
    await expect(open(true, other)).rejects.toThrow(
      /steps was 10, now 20; optimizer\.beta1 was 0\.9, now 0\.8; list was \[1,2\], now \[1\]/,
    );
    const run = await open(true, { ...config, log: { every: 5 } });
    expect(JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')).log.every).toBe(5);
    await run.close();
  });

  test('with resume but no checkpoint yet starts anew', async () => {
    await (await open(false)).close();
    const run = await open(true);
    expect(run.resumed).toBeNull();
    await run.close();
  });

  test('metrics after the checkpoint and a torn last line are dropped', async () => {
    const run = await open(false);
    for (const step of [1, 2, 3]) await run.log.add({ step, kind: 'train', loss: step / 2 });
    await run.checkpoints.save(parts(3), state(3), 2);
    await run.log.add({ step: 3, kind: 'eval', loss: 9 });
    await run.log.add({ step: 4, kind: 'train', loss: 8 });
    await run.close();
    writeFileSync(join(folder, 'metrics.jsonl'), '{"step":', { flag: 'a' });
    await (await open(true)).close();
    const lines = readFileSync(join(folder, 'metrics.jsonl'), 'utf8').trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).step)).toEqual([1, 2, 3, 3]);
  });

  test('what a killed process left half-written is removed and not taken for a checkpoint', async () => {
    await begun();
    mkdirSync(join(folder, 'checkpoints', '.step-00000005.partial'));
    mkdirSync(join(folder, '.model.partial'));
    const run = await open(true);
    expect(run.resumed?.state.step).toBe(3);
    expect(readdirSync(join(folder, 'checkpoints'))).toEqual(['step-00000003']);
    expect(existsSync(join(folder, '.model.partial'))).toBe(false);
    await run.close();
  });

  test('a damaged state names the remedy', async () => {
    await begun();
    writeFileSync(join(folder, 'checkpoints', 'step-00000003', 'state.json'), '{"step":');
    await expect(open(true)).rejects.toThrow(/state\.json: missing or damaged/);
    expect(existsSync(join(folder, 'lock'))).toBe(false);
  });
});

describe('failed writes', () => {
  test('a checkpoint that cannot be written leaves the one before and says so', async () => {
    const run = await open(false);
    await run.checkpoints.save(parts(3), state(3), 1);
    const failing = new Map([
      ['a', tf.tensor1d([1])],
      ['text', tf.tensor1d(['no number'], 'string')],
    ]);
    const failure = run.checkpoints.save({ model: failing }, state(6), 1);
    await expect(failure).rejects.toThrow(EaselError);
    await expect(failure).rejects.toThrow(/step 6: can't be written.*last good one is .*step-00000003/);
    expect(readdirSync(join(folder, 'checkpoints'))).toEqual(['step-00000003']);
    await run.close();
  });

  test('a model that cannot be written leaves the one before', async () => {
    const run = await open(false);
    await run.model.replace(async (path) => writeFileSync(join(path, 'config.json'), 'first'));
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    await expect(
      run.model.replace(async (path) => {
        writeFileSync(join(path, 'config.json'), 'half');
        throw full;
      }),
    ).rejects.toThrow(/model: can't be written.*no space left/);
    expect(readFileSync(join(folder, 'model', 'config.json'), 'utf8')).toBe('first');
    await run.model.replace(async (path) => writeFileSync(join(path, 'config.json'), 'second'));
    expect(readFileSync(join(folder, 'model', 'config.json'), 'utf8')).toBe('second');
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
    await run.close();
  });

  test('a run folder where a file stands', async () => {
    writeFileSync(folder, '');
    await expect(open(false)).rejects.toThrow(/can't be made/);
  });
});
