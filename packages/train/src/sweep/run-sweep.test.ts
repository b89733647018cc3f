import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataError } from '@easel/core';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { lockFolder } from '../lock/folder-lock.js';
import { TrainingError } from '../run/training-error.js';
import { planSweep, runSweep, type SweepEvent, type SweepOptions } from './run-sweep.js';
import { parseSweepConfig } from './sweep-config.js';
import type { SweepKind } from './sweep-kind.js';
import { readSweep, writeSweepReport } from './sweep-report.js';
import { tableText } from './sweep-table.js';

let out: string;
/** Names of the runs in the order in which they were begun. */
let begun: string[];
beforeEach(() => {
  out = join(mkdtempSync(join(tmpdir(), 'easel-sweep-')), 'out');
  begun = [];
});
afterEach(() => {
  rmSync(join(out, '..'), { recursive: true, force: true });
});

/**
 * The loss is (x − 3)² + 10/step + seed after each of 4 steps. x = 9 diverges at step 3. x = 8 is a
 * fault of the data.
 */
const parabola: SweepKind = {
  name: 'parabola',
  unit: 'steps',
  check: ({ open }) => (open ? null : 4),
  run: async (settings, { out: folder, signal, onProgress }) => {
    const { x = 0, seed = 0 } = settings as { x?: number; seed?: number };
    begun.push(folder.split('/').at(-1) as string);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'config.json'), '{}');
    writeFileSync(join(folder, 'metrics.jsonl'), '');
    mkdirSync(join(folder, 'checkpoints'), { recursive: true });
    if (x === 8) throw new DataError('the set is gone.');
    for (let step = 1; step <= 4; step++) {
      if (signal?.aborted) return false;
      if (x === 9 && step === 3) throw new TrainingError('the loss is NaN.');
      const line = { step, kind: 'eval', loss: (x - 3) ** 2 + 10 / step + seed, other: x };
      appendFileSync(join(folder, 'metrics.jsonl'), `${JSON.stringify(line)}\n`);
      onProgress(step, 4, '');
    }
    return true;
  },
};

const config = (json: Record<string, unknown> = {}) =>
  parseSweepConfig(
    { base: { kind: 'parabola' }, parameters: { x: { grid: [1, 9, 4] } }, ...json },
    'sweep.json',
  );
const sweep = async (json: Record<string, unknown> = {}, options: Partial<SweepOptions> = {}) =>
  runSweep(await planSweep(config(json), [parabola]), { out, ...options });

test('every run once, ranked; a failed one is counted and the sweep goes on', async () => {
  const events: SweepEvent[] = [];
  const result = await sweep({ columns: ['eval.other'] }, { onEvent: (event) => events.push(event) });
  expect(result.complete).toBe(true);
  expect(result.records.map(({ status, value }) => [status, value])).toEqual([
    ['done', 6.5], // (1 − 3)² + 10/4
    ['failed', null],
    ['done', 3.5],
  ]);
  expect(result.records[1]).toMatchObject({ failure: 'the loss is NaN.', step: 2 });
  expect(tableText(config({ columns: ['eval.other'] }), result.settings)).toBe(
    '   x  eval.loss  eval.other  seconds  failed\n' +
      '1  4      3.500           4        –\n' +
      '2  1      6.500           1        –\n' +
      '–  9          –           –        –       1\n',
  );
  // 12 steps in all, of which the failed run leaves 2 undone
  const steps = events.flatMap((event) => (event.kind === 'progress' ? [[event.done, event.total]] : []));
  expect(steps).toEqual(
    [1, 2, 3, 4, 5, 6].map((done) => [done, 12]).concat([7, 8, 9, 10].map((done) => [done, 10])),
  );
  expect(readFileSync(join(out, 'results.csv'), 'utf8')).toBe(
    'run,variant,x,seed,status,metric eval.loss,eval.loss,eval.other,failure\n' +
      '0-x=1,,1,,done,6.5,6.5,1,\n' +
      '1-x=9,,9,,failed,,41,9,the loss is NaN.\n' +
      '2-x=4,,4,,done,3.5,3.5,4,\n',
  );
});

test('stopped, it goes on at the unfinished run; finished and failed ones are not repeated', async () => {
  const stop = new AbortController();
  const onEvent = (event: SweepEvent) => {
    if (event.kind === 'progress' && event.index === 2 && event.done === 8) stop.abort();
  };
  const first = await sweep({}, { signal: stop.signal, onEvent });
  expect(first.complete).toBe(false);
  expect(first.records.map(({ status }) => status)).toEqual(['done', 'failed', 'waiting']);
  await expect(sweep()).rejects.toThrow(/there is a sweep in it already. Resume it/);
  begun = [];
  const events: SweepEvent[] = [];
  const second = await sweep({}, { resume: true, onEvent: (event) => events.push(event) });
  expect(begun).toEqual(['2-x=4']);
  expect(second.records.map(({ value }) => value)).toEqual([6.5, null, 3.5]);
  expect(events[0]).toMatchObject({ done: 7, total: 10 }); // what was done before counts
  begun = [];
  expect((await sweep({}, { resume: true })).complete).toBe(true);
  expect(begun).toEqual([]);
});

test('a killed process: results.json of the last finished run counts', async () => {
  await sweep();
  // as it was before the last run's record was written
  const path = join(out, 'results.json');
  const results = JSON.parse(readFileSync(path, 'utf8'));
  results.runs[2] = { ...results.runs[2], status: 'waiting', value: null };
  writeFileSync(path, JSON.stringify(results));
  begun = [];
  const { records } = await sweep({}, { resume: true });
  expect(begun).toEqual(['2-x=4']);
  expect(records[2]).toMatchObject({ status: 'done', value: 3.5 });
});

test('a changed file is refused, naming what changed; what touches no run may change', async () => {
  await sweep();
  const changed = (json: Record<string, unknown>) => sweep(json, { resume: true });
  await expect(changed({ parameters: { x: { grid: [1, 9, 5] } } })).rejects.toThrow(
    /begun with other settings: parameters.x.grid was \[1,9,4\], now \[1,9,5\]\. Resume with/,
  );
  await expect(changed({ base: { kind: 'parabola', y: 2 } })).rejects.toThrow(/base: y was not there, now 2/);
  await expect(changed({ set: { y: 1 } })).rejects.toThrow(/set.y was not there, now 1/);
  expect((await changed({ title: 'another', goal: 'highest' })).settings[0]?.values).toEqual({ x: 1 });
  // another metric is read from what the runs left
  expect((await changed({ metric: 'eval.other' })).settings.map(({ mean }) => mean)).toEqual([1, 4, null]);
});

test('runs that know their length only once they go: the others are taken to be as long', async () => {
  const events: SweepEvent[] = [];
  const json = { base: { kind: 'parabola', open: true }, parameters: { x: { grid: [1, 2] } } };
  await sweep(json, { onEvent: (event) => events.push(event) });
  const steps = events.flatMap((event) => (event.kind === 'progress' ? [[event.done, event.total]] : []));
  expect(steps).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((done) => [done, 8]));
});

test('seeds are put together: mean and spread', async () => {
  const json = { parameters: { x: { grid: [1, 4] } }, seeds: [0, 2] };
  const { settings } = await sweep(json);
  expect(begun).toEqual(['0-x=1-seed=0', '1-x=4-seed=0', '2-x=1-seed=2', '3-x=4-seed=2']);
  expect(settings.map(({ values, mean, spread }) => [values.x, mean, spread])).toEqual([
    [4, 4.5, 2],
    [1, 7.5, 2],
  ]);
  expect(tableText(config(json), settings)).toBe(
    '   x  eval.loss  spread  runs  seconds\n1  4      4.500       2     2        –\n2  1      7.500       2     2        –\n',
  );
});

test('the best evaluation in place of the last', async () => {
  const { records } = await sweep({ goal: 'highest', take: 'best', parameters: { x: { grid: [3] } } });
  expect(records[0]?.value).toBe(10); // after step 1
});

test('any other error ends the sweep, behind the name of its run', async () => {
  await expect(sweep({ parameters: { x: { grid: [1, 8] } } })).rejects.toThrow(
    /^Run 1-x=8: the set is gone\./,
  );
  expect(JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')).runs[0].status).toBe('done');
});

test('a metric that the runs do not have, with the nearest; another kind; a second process', async () => {
  await expect(sweep({ metric: 'eval.los' })).rejects.toThrow(
    /has no number "eval.los". Did you mean "eval.loss"\? It has: eval.loss, eval.other/,
  );
  await expect(sweep({ base: { kind: 'parabole' } })).rejects.toThrow(
    /base.kind: expected "parabola", got "parabole". Did you mean "parabola"/,
  );
  const lock = await lockFolder(out);
  await expect(sweep({}, { resume: true })).rejects.toThrow(/another run writes into it/);
  await lock.release();
});

test('what is kept of finished runs', async () => {
  await sweep({ keep: 'metrics', parameters: { x: { grid: [1] } } });
  expect(existsSync(join(out, 'runs', '0-x=1', 'checkpoints'))).toBe(false);
  expect(existsSync(join(out, 'runs', '0-x=1', 'metrics.jsonl'))).toBe(true);
});

test('a page with claim, table and plots, which needs nothing from outside', async () => {
  const json = {
    title: 'a <title>',
    claim: 'x & y',
    variants: { one: {}, two: { set: { seed: 1 } } },
    against: 'eval.other',
    parameters: { x: { grid: [1, 9, 4] } },
  };
  await sweep(json);
  const { config: settings, records } = await readSweep(out);
  const page = readFileSync(await writeSweepReport(out, settings, records), 'utf8');
  expect(page).toContain('<h1>a &lt;title&gt;</h1>');
  expect(page).toContain('<blockquote>x &amp; y</blockquote>');
  expect(page).toContain('4 of 6 runs done, 2 failed');
  expect(page).not.toMatch(/(src|href)="?http|NaN<|undefined/);
  for (const name of ['settings', 'by-x', 'against', 'curves-best', 'curves-0', 'curves-1'])
    expect(readFileSync(join(out, 'plots', `${name}.svg`), 'utf8')).toMatch(/^<svg xmlns=.*<\/svg>\n$/s);
});
