import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { tinyBartConfig } from '../../../draw/testing/tiny-model.js';
import { startEasel, whenBuilt } from '../../testing/easel-process.js';
import { runEasel, testBackend } from '../../testing/run-easel.js';
import { writeTinySet } from '../../testing/tiny-set.js';

jest.setTimeout(240_000);

let root: string;
const at = (...names: string[]) => join(root, ...names);
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'easel-sweep-'));
  const { train, tokenizer } = await writeTinySet(root);
  const base = {
    model: tinyBartConfig,
    tokenizer,
    data: { train, evalFraction: 0.25 },
    steps: 40, // so that the process is killed in the midst of a run, however late that is noticed
    batchSize: 4,
    schedule: { learningRate: 0.01, warmupSteps: 2 },
    evaluation: { every: 20 },
    log: { every: 1 },
    checkpoint: { every: 4 },
  };
  writeFileSync(at('base.json'), JSON.stringify(base));
  const sweep = {
    title: 'rates',
    claim: 'the higher the better',
    base: at('base.json'),
    variants: { adam: {}, adafactor: { set: { 'optimizer.name': 'adafactor' } } },
    parameters: { 'schedule.learningRate': { grid: [0.001, 0.01] } },
  };
  writeFileSync(at('sweep.json'), JSON.stringify(sweep));
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

const results = (out: string) =>
  (
    JSON.parse(readFileSync(at(out, 'results.json'), 'utf8')).runs as {
      name: string;
      value: number;
      status: string;
    }[]
  ).map(({ name, value, status }) => ({ name, value, status }));

test('a sweep from the command line: table on stdout, results, page; a second one is refused', async () => {
  const { code, stdout, stderr } = await runEasel('sweep', at('sweep.json'), '--out', at('whole'));
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const lines = stdout.trimEnd().split('\n');
  expect(lines[0]).toMatch(/^ +variant +schedule.learningRate +eval.loss +seconds$/);
  expect(lines.slice(1, 5).map((line) => line.trim().split(/ +/)[0])).toEqual(['1', '2', '3', '4']);
  expect(lines[5]).toBe(at('whole', 'report.html'));
  expect(stderr).toContain('run 4/4 3-adafactor-learningRate=0.01');
  expect(results('whole').every(({ status }) => status === 'done')).toBe(true);
  expect(readFileSync(at('whole', 'report.html'), 'utf8')).toContain('the higher the better');
  const again = await runEasel('sweep', at('sweep.json'), '--out', at('whole'));
  expect(again).toMatchObject({ code: 1 });
  expect(again.stderr).toContain('there is a sweep in it already');
  const changed = await runEasel(
    'sweep',
    at('sweep.json'),
    '--out',
    at('whole'),
    '--resume',
    '--set',
    'set.steps=3',
  );
  expect(changed.stderr).toContain('set.steps was not there, now 3');
  const report = await runEasel('report', at('whole'), '--out', at('page.html'));
  expect(report.stdout).toBe(`${at('page.html')}\n`);
  expect(readFileSync(at('page.html'), 'utf8')).toContain('4 of 4 runs done');
});

test('wrong words are answered with the nearest right ones, before anything runs', async () => {
  const said = async (...set: string[]) =>
    (await runEasel('sweep', at('sweep.json'), '--out', at('never'), ...set.flatMap((one) => ['--set', one])))
      .stderr;
  expect(await said('varants={}')).toContain('Did you mean "variants"?');
  expect(await said('parameters={"optimizer.beta3": {"grid": [1]}}')).toMatch(
    /Run 0-adam-beta3=1: .*optimizer.beta3: there is no such setting. Did you mean "beta1"/,
  );
  expect(await said('parameters={"model.ln_position": {"grid": ["preln"]}}')).toContain('ln_positions');
  expect(await said('parameters={"schedule.learningRate": {"log_uniform": [1, 2]}}')).toContain(
    '"logUniform"',
  );
  expect(existsSync(at('never'))).toBe(false);
  expect((await runEasel('sweep', at('sweep.json'))).stderr).toContain('--out DIR');
  const list = await runEasel('sweep', at('sweep.json'), '--dry-run');
  expect(list.stdout.split('\n')[2]).toBe('2-adafactor-learningRate=0.001\t40 steps');
});

test('a run whose loss is no number is counted, and the others are made', async () => {
  const set = 'parameters={"schedule.learningRate": {"grid": [0.01, 1e30]}}';
  const { code, stdout, stderr } = await runEasel(
    'sweep',
    at('sweep.json'),
    '--out',
    at('nan'),
    '--set',
    set,
    '--set',
    'variants={}',
  );
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(results('nan').map(({ status }) => status)).toEqual(['done', 'failed']);
  expect(stdout).toMatch(/^– +1e\+30 +– .* 1$/m);
  expect(stderr).toMatch(/run 2\/2 .* failed: Training stopped/);
});

whenBuilt('a sweep in a process that is killed (needs npm run build)', () => {
  test('it goes on at the unfinished run and ends with the same numbers', async () => {
    const words = [
      'sweep',
      at('sweep.json'),
      '--out',
      at('killed'),
      '--resume',
      '--backend',
      testBackend,
      '--quiet',
    ];
    const run = at('killed', 'runs', '1-adam-learningRate=0.01');
    const first = startEasel(words);
    const watch = setInterval(() => {
      const folder = join(run, 'checkpoints');
      if (existsSync(folder) && readdirSync(folder).some((name) => name.startsWith('step')))
        first.child.kill('SIGKILL');
    }, 5);
    expect((await first.ended).signal).toBe('SIGKILL');
    clearInterval(watch);
    expect(results('killed').map(({ status }) => status)).toEqual(['done', 'waiting', 'waiting', 'waiting']);
    const untouched = statSync(at('killed', 'runs', '0-adam-learningRate=0.001', 'metrics.jsonl')).mtimeMs;
    expect(await startEasel(words).ended).toMatchObject({ code: 0, stderr: '' });
    expect(results('killed')).toEqual(results('whole'));
    expect(statSync(at('killed', 'runs', '0-adam-learningRate=0.001', 'metrics.jsonl')).mtimeMs).toBe(
      untouched,
    );
    // the second run went on from its checkpoint: two sittings
    expect(readFileSync(join(run, 'sittings.jsonl'), 'utf8').trim().split('\n')).toHaveLength(2);
  });
});
