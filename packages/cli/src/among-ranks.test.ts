import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { describeRanks, startRanks } from '../../mpi/testing/ranks.js';
import { easelBin } from '../testing/easel-process.js';
import { TINY_SET_MODEL, writeTinySet } from '../testing/tiny-set.js';
import { runsHere } from './among-ranks.js';

jest.setTimeout(300_000); // a busy machine

describeRanks('commands on ranks', () => {
  let root: string;
  let config: string;
  const at = (...parts: string[]) => join(root, ...parts);
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'easel-ranks-'));
    const { train, tokenizer } = await writeTinySet(root);
    config = at('train.json');
    const pace = { steps: 100_000, log: { every: 1 }, checkpoint: { every: 2, background: false } };
    const settings = {
      model: TINY_SET_MODEL,
      tokenizer,
      data: { train },
      batchSize: 2,
      accumulate: 3,
      ...pace,
    };
    writeFileSync(config, JSON.stringify({ ...settings, schedule: { learningRate: 1e-3 } }));
  });
  afterAll(() => rmSync(root, { recursive: true }));

  const until = async (there: () => boolean) => {
    while (!there()) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  const newest = () => readdirSync(at('run', 'checkpoints')).sort().at(-1) ?? '';
  const train = (...words: string[]) => [easelBin, 'train', config, '--out', at('run'), '--quiet', ...words];

  test('a rank that is killed ends the job, --resume goes on with another number of ranks, SIGUSR2 stops all with a checkpoint', async () => {
    const killed = startRanks(2, train());
    await until(() => existsSync(at('run', 'checkpoints')) && newest() >= 'step-00000002');
    const [, last] = spawnSync('pgrep', ['-P', String(killed.child.pid)], { encoding: 'utf8' })
      .stdout.trim()
      .split('\n');
    process.kill(Number(last), 'SIGKILL');
    expect((await killed.ended).code).not.toBe(0);
    const before = newest();
    const stopped = startRanks(3, train('--resume'));
    await until(() => newest() > before);
    stopped.child.kill('SIGUSR2');
    const { code, stderr } = await stopped.ended;
    expect(code).toBe(140);
    const [, step] = /Stopped after step (\d+); go on with --resume/.exec(stderr) as unknown as [
      string,
      string,
    ];
    expect(stderr.match(/Stopping at the next safe point/g)).toHaveLength(1);
    expect(newest()).toBe(`step-${step.padStart(8, '0')}`);
    expect(existsSync(at('run', 'lock'))).toBe(false);
    expect(statSync(at('run', 'model', 'model.safetensors')).size).toBeGreaterThan(0);
  });

  test('ranks with different files are refused by what differs, in one message', async () => {
    const other = at('other.json');
    writeFileSync(other, JSON.stringify({ batchSize: 4 }));
    const words = (file: string) => [easelBin, 'train', file, '--out', at('refused')];
    const { code, stdout, stderr } = await startRanks(1, [
      ...words(config),
      ':',
      '-n',
      '1',
      process.execPath,
      ...words(other),
    ]).ended;
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.match(/easel train: /g)).toHaveLength(1);
    expect(stderr).toMatch(
      /The ranks don't train the same: .*batchSize is 2 and 4; .*\(rank 0 on .*, then rank 1 on /,
    );
    expect(existsSync(at('refused'))).toBe(false);
  });
});

test('a command that ranks cannot share runs on none of them', () => {
  const ranks = (rank: string) => ({ PMI_RANK: rank, PMI_SIZE: '2' });
  expect([runsHere('learn', {}), runsHere('train', ranks('0')), runsHere('encode', ranks('1'))]).toEqual([
    true,
    true,
    true,
  ]);
  expect(runsHere('learn', ranks('1'))).toBe(false);
  expect(() => runsHere('learn', ranks('0'))).toThrow(
    /2 processes were started, but easel learn runs in one/,
  );
});
