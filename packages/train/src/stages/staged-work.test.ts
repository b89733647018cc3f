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
import { ConfigError, DataError } from '@easel/core';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { publishModel } from './publish-model.js';
import { type StageEvent, spreadOver, updatesFor, withStagedWork } from './staged-work.js';

type Stage = 'first' | 'second';

let root: string;
const at = (...parts: string[]) => join(root, ...parts);
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'easel-stages-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const kind = (word?: string) => ({
  name: 'baking',
  usualMinutes: 3,
  conditions: {
    word: { value: word, usual: 'usual', refusal: (before: string) => new DataError(`begun with ${before}`) },
  },
});

test('stages that are done are not done again; numbers and conditions stay', async () => {
  const events: StageEvent<Stage>[] = [];
  const stop = new AbortController();
  const sitting = (word: string | undefined, first: () => Promise<boolean>, minutes?: number) => {
    const options = {
      out: at('model'),
      minutes,
      signal: stop.signal,
      onEvent: (event: StageEvent<Stage>) => events.push(event),
    };
    return withStagedWork<Stage, unknown>(kind(word), options, async (work) => {
      const complete = await work.run({
        first,
        second: async () => {
          work.tell('second', 1, 4, 'cakes', { ownSecondsLeft: 1e6 });
          await work.keep('cakes', 7);
          stop.abort();
          stop.signal.throwIfAborted();
          return true;
        },
      });
      return { complete, conditions: work.conditions, cakes: work.found('cakes'), planned: work.plannable };
    });
  };
  const result = await sitting('flour', async () => true, 2);
  const conditions = { word: 'flour', minutes: 2 };
  expect(result).toEqual({ complete: false, conditions, cakes: 7, planned: 120 * 0.92 });
  expect(events).toEqual([
    { kind: 'stage', stage: 'first', number: 1, of: 2 },
    { kind: 'stage', stage: 'second', number: 2, of: 2 },
    { kind: 'progress', stage: 'second', done: 1, total: 4, unit: 'cakes', note: '', secondsLeft: 1e6 },
  ]);
  const again = async () => {
    throw new Error('done twice');
  };
  expect(await sitting(undefined, again)).toMatchObject({ complete: false, conditions });
  await expect(sitting('sugar', again)).rejects.toThrow(new DataError('begun with flour'));
  await expect(sitting('flour', again, 5)).rejects.toThrow(
    /model: its baking was begun for 2 minutes, now 5 are given\. Leave --minutes out/,
  );
  await expect(sitting('flour', again, Number.NaN)).rejects.toThrow('expected minutes above 0, got NaN');
});

test('a model of other making, a damaged state, another process', async () => {
  const open = (out: string) =>
    withStagedWork<Stage, string>(kind(), { out: at(out) }, async (work) => work.at('x'));
  mkdirSync(at('other'));
  writeFileSync(at('other', 'config.json'), '{}');
  await expect(open('other')).rejects.toThrow(ConfigError);
  await expect(open('other')).rejects.toThrow(/other: there is a model in it already, of which no baking/);
  expect(existsSync(at('other', 'baking'))).toBe(false);
  for (const text of ['{', 'null', '{"version": 1, "done": []}', '{"version": 2, "spent": 0, "done": []}']) {
    mkdirSync(at('damaged', 'baking'), { recursive: true });
    writeFileSync(at('damaged', 'baking', 'state.json'), text);
    await expect(open('damaged')).rejects.toThrow(/state\.json: damaged, or of another version of Easel/);
  }
  await withStagedWork<Stage, void>(kind(), { out: at('held') }, async () => {
    await expect(open('held')).rejects.toThrow(/process/);
  });
  expect(await open('held')).toBe(at('held', 'baking', 'x'));
});

test('updates fill the time, within what so many samples bear', () => {
  const sizes = { secondsPerUpdate: 0.5, samples: 1000, batchSize: 8, mostEpochs: 400 };
  expect(updatesFor(600, sizes)).toBe(1200);
  expect(updatesFor(1e9, sizes)).toBe((400 * 1000) / 8);
  expect(updatesFor(1, sizes)).toBe(20);
});

test('texts from places all over a list, each once', () => {
  const texts = Array.from({ length: 40 }, (_, i) => `caption ${i >> 1}`);
  expect(spreadOver(texts, 4)).toEqual(['caption 2', 'caption 7', 'caption 12', 'caption 17']);
  expect(spreadOver(['a', 'a', 'b'], 9)).toEqual(['a', 'b']);
  expect(spreadOver([], 9)).toEqual([]);
});

test('a model replaces files and folders of its names and leaves others', async () => {
  mkdirSync(at('new', 'vqgan'), { recursive: true });
  writeFileSync(at('new', 'config.json'), 'new');
  writeFileSync(at('new', 'vqgan', 'a'), 'new');
  mkdirSync(at('out', 'vqgan'), { recursive: true });
  mkdirSync(at('out', '.model.partial'));
  for (const file of ['config.json', 'vqgan/b', 'sheet.png', '.model.partial/config.json'])
    writeFileSync(at('out', file), 'old');
  await publishModel(at('new'), at('out'));
  expect(readdirSync(at('out')).sort()).toEqual(['config.json', 'sheet.png', 'vqgan']);
  expect(readFileSync(at('out', 'config.json'), 'utf8')).toBe('new');
  expect(readdirSync(at('out', 'vqgan'))).toEqual(['a']);
});
