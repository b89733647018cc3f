import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EaselError } from '@easel/core';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readRun } from './read-run.js';
import { runReport } from './run-report.js';

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'easel-report-')), 'my run');
  mkdirSync(folder);
});
afterEach(() => {
  rmSync(join(folder, '..'), { recursive: true, force: true });
});

const write = (path: string, ...lines: unknown[]) => {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
};

test('a page with all that the folder holds, and nothing from outside', async () => {
  write('config.json', {
    kind: 'seq2seq',
    steps: 30,
    optimizer: { name: 'adamw' },
    samples: { prompts: ['a <red> ball'] },
  });
  write(
    'metrics.jsonl',
    { step: 10, kind: 'train', epoch: 0, loss: 3.5, learningRate: 0.1 },
    { step: 10, kind: 'eval', loss: 4, lossBlank: 5 },
    { step: 20, kind: 'train', epoch: 1, loss: 2.5, learningRate: 0.2 },
  );
  writeFileSync(join(folder, 'metrics.jsonl'), '{"step": 2', { flag: 'a' }); // the run goes on
  write('weights.jsonl', {
    step: 10,
    norms: { gradients: { 'a.kernel': 2 }, parameters: { 'a.kernel': 7 } },
  });
  write(
    'sittings.jsonl',
    { began: '2024-01-01', backend: 'native' },
    { began: '2024-01-02', backend: 'wasm' },
  );
  write('checkpoints/step-00000010/state.json', { step: 10 });
  write('checkpoints/step-00000020/state.json', {
    step: 20,
    seconds: 3725,
    best: { metric: 'eval.loss', value: 4, step: 10 },
  });
  write('checkpoints/.step-00000030.partial/state.json', {});
  write('failed-batch.json', { step: 21 });
  mkdirSync(join(folder, 'samples'));
  writeFileSync(join(folder, 'samples', 'step-00000010.png'), 'PNG');
  const run = await readRun(folder);
  expect(run.curves.find(({ kind, name }) => kind === 'train' && name === 'loss')?.points).toEqual([
    [10, 3.5],
    [20, 2.5],
  ]);
  expect(run.checkpoints.map(({ name }) => name)).toEqual(['step-00000010', 'step-00000020']);
  const html = runReport(run, new Date('2024-01-03T04:05:06Z'));
  for (const text of [
    'my run',
    'step 20 of 30, 1 h 2 min 5 s',
    'Report of 2024-01-03 04:05 UTC',
    'the best by eval.loss: 4',
    `data:image/png;base64,${Buffer.from('PNG').toString('base64')}`,
    'a &lt;red&gt; ball',
    'optimizer.name',
    'wasm',
    'parameters: the 1 largest norms of 1',
    'failed-batch.json',
    'eval: loss',
  ])
    expect(html).toContain(text);
  expect(html.match(/<svg/g)?.length).toBe(5); // loss, learning rate, loss without captions, norms of gradients and of weights
  expect(html).not.toMatch(/<script|https?:|@import|url\(/);
});

test('a run that has only begun', async () => {
  write('config.json', { kind: 'vqgan', steps: 5 });
  expect(runReport(await readRun(folder))).toContain('vqgan run, step 0 of 5');
});

test('a folder that holds no run', async () => {
  await expect(readRun(folder)).rejects.toThrow(EaselError);
  await expect(readRun(folder)).rejects.toThrow(/no run in it.*Expected the folder that easel train wrote/);
});
