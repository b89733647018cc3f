import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend } from '@easel/core';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { writeTinyModel } from '../../draw/testing/tiny-model.js';
import { easelBin, startEasel, whenBuilt } from '../testing/easel-process.js';
import { TINY_SET_MODEL, writeTinySet } from '../testing/tiny-set.js';

jest.setTimeout(300_000); // a busy machine

whenBuilt('processes and signals (skipped before npm run build)', () => {
  let root: string;
  let config: string;
  const at = (...parts: string[]) => join(root, ...parts);
  beforeAll(async () => {
    await selectBackend('cpu');
    root = mkdtempSync(join(tmpdir(), 'easel-signals-'));
    await writeTinyModel(at('model'));
    const { train, tokenizer } = await writeTinySet(root);
    config = at('train.json');
    const settings = { model: TINY_SET_MODEL, tokenizer, data: { train }, steps: 100_000, batchSize: 2 };
    writeFileSync(
      config,
      JSON.stringify({ ...settings, schedule: { learningRate: 1e-3 }, log: { every: 1 } }),
    );
  });
  afterAll(() => rmSync(root, { recursive: true }));

  const until = async (there: () => boolean) => {
    while (!there()) await new Promise((resolve) => setTimeout(resolve, 20));
  };

  const hasStepped = (run: string) =>
    existsSync(join(run, 'metrics.jsonl')) && statSync(join(run, 'metrics.jsonl')).size > 0;

  test.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGINT', 130],
  ] as const)('%s: a training saves a checkpoint and exits with %i', async (signal, code) => {
    const run = at(`run-${signal}`);
    const { child, ended } = startEasel(['train', config, '--out', run, '--backend', 'cpu', '--quiet']);
    await until(() => hasStepped(run));
    child.kill(signal);
    const end = await ended;
    expect(end).toMatchObject({
      code,
      stderr: expect.stringMatching(/Stopped after step \d+; go on with --resume/),
    });
    expect(readdirSync(join(run, 'checkpoints'))).toHaveLength(1);
  });

  test('a command that hangs in a file that never answers: a second signal ends it', async () => {
    spawnSync('mkfifo', [at('pipe')]);
    const { child, ended } = startEasel(['generate', '--prompts', at('pipe'), '--model', at('model')]);
    let said = '';
    child.stderr?.on('data', (text) => {
      said += text;
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const again = setInterval(() => child.kill('SIGTERM'), 500); // the first may come before the program listens
    const end = await ended;
    clearInterval(again);
    expect(end.code === 143 || end.signal === 'SIGTERM').toBe(true);
    expect(said === '' || said.includes('once more to stop at once')).toBe(true);
  });

  test('a reader that goes away: the pictures are drawn to the last, with a word', async () => {
    const words = ['a dog', '--images', '9', '--batch', '1', '--model', at('model'), '--out', at('piped')];
    const { child, ended } = startEasel(['generate', ...words, '--backend', 'cpu', '--quiet']);
    child.stdout?.once('data', () => child.stdout?.destroy());
    const { code, stderr } = await ended;
    expect([code, stderr]).toEqual([
      0,
      'Nobody reads stdout any more; the work goes on, and its files are written.\n',
    ]);
    expect(readdirSync(at('piped'))).toHaveLength(9);
  });

  test('a command that only prints ends quietly when nobody reads', async () => {
    const { child, ended } = startEasel(['inspect', at('model')]);
    child.stdout?.destroy();
    expect(await ended).toMatchObject({ code: 0, stderr: '' });
  });

  test('a child whose parent has gone says how it is stopped', async () => {
    const run = at('orphan');
    const words = ['train', config, '--out', run, '--backend', 'cpu', '--quiet'];
    const log = at('orphan.log');
    const quoted = [process.execPath, easelBin, ...words].map((word) => `'${word}'`).join(' ');
    const parent = spawn('sh', ['-c', `${quoted} 2> '${log}' & wait`]);
    await until(() => hasStepped(run));
    parent.kill('SIGKILL');
    await until(() => /Stop it with: kill \d+/.test(readFileSync(log, 'utf8')));
    const pid = Number(/kill (\d+)/.exec(readFileSync(log, 'utf8'))?.[1]);
    process.kill(pid, 'SIGTERM');
    await until(() => readFileSync(log, 'utf8').includes('go on with --resume'));
  });

  test('a failed command leaves no empty folder, but one that was there before', async () => {
    mkdirSync(at('before'));
    for (const out of [at('fresh', 'deep'), at('before')]) {
      const { ended } = startEasel(['encode', at('nothing'), '--vqgan', at('model', 'vqgan'), '--out', out]);
      expect(await ended).toMatchObject({ code: 1 });
    }
    expect([existsSync(at('fresh')), existsSync(at('before'))]).toEqual([false, true]);
  });
});
