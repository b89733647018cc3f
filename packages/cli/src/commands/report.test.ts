import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { runEasel } from '../../testing/run-easel.js';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'easel-report-'));
  mkdirSync(join(root, 'run'));
  writeFileSync(join(root, 'run', 'config.json'), '{"kind":"seq2seq","epochs":2,"steps":null}');
  const lines = [1, 2, 3].map((step) =>
    JSON.stringify({ step, kind: 'train', loss: 4 / step, learningRate: 10 ** -step, peakShare: 0.5 }),
  );
  writeFileSync(join(root, 'run', 'metrics.jsonl'), `${lines.join('\n')}\n`);
});
afterAll(() => rmSync(root, { recursive: true }));

test('a page in the run folder, or where it is asked for; the path on stdout', async () => {
  const page = join(root, 'run', 'report.html');
  expect(await runEasel('report', join(root, 'run'))).toMatchObject({ code: 0, stdout: `${page}\n` });
  const html = readFileSync(page, 'utf8');
  for (const text of [
    '<title>run</title>',
    'step 3 of 2 epochs',
    '>loss',
    '>learningRate',
    '>peakShare',
    '>0.01<',
  ])
    expect(html).toContain(text);
  const other = join(root, 'other.html');
  expect(await runEasel('report', join(root, 'run'), '--out', other)).toMatchObject({
    code: 0,
    stdout: `${other}\n`,
  });
  expect(readFileSync(other, 'utf8')).toContain('<title>run</title>');
});

test('a folder without a run', async () => {
  const { code, stderr } = await runEasel('report', root);
  expect(code).toBe(1);
  expect(stderr).toContain('no run in it');
});
