import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseWordList } from '@easel/draw';
import { expect, test } from '@jest/globals';
import { seq2seqRuns, slidingRows } from '../../testing/seq2seq-runs.js';
import { tinyDalleBartJson } from '../../testing/tiny-models.js';
import { writeShard } from '../encoded/shards.js';

const runs = seq2seqRuns(async (shared) => {
  const rows = slidingRows([
    ['A RED ball', 'a Blüe ball'],
    ['', 'ball-games'],
  ]);
  mkdirSync(join(shared, 'set'));
  await writeShard(join(shared, 'set', 'shard-00000.parquet'), rows);
  mkdirSync(join(shared, 'other'));
  await writeShard(join(shared, 'other', 'shard-00000.parquet'), slidingRows([['a green hat', 'hat']]));
  return rows.map(({ caption }) => caption);
});

const settings = (set: string, more: Readonly<Record<string, unknown>> = {}) => ({
  model: tinyDalleBartJson as unknown,
  tokenizer: join(runs.shared, 'tokenizer') as string | null,
  data: { train: join(runs.shared, set) },
  steps: 1,
  batchSize: 2,
  schedule: { learningRate: 0.01 },
  checkpoint: { every: 1 },
  ...more,
});
const wordsIn = (name: string) =>
  parseWordList(readFileSync(join(runs.root, name, 'model', 'words.json'), 'utf8'));

const OF_SET = [
  ['ball', 3],
  ['a', 2],
  ['blue', 1],
  ['games', 1],
  ['red', 1],
];

test('a run writes the words of its captions as the model reads them, in memory and streamed', async () => {
  await runs.train('memory', settings('set'));
  expect([...wordsIn('memory').counts]).toEqual(OF_SET);
  expect(wordsIn('memory').complete).toBe(true);
  const data = { train: join(runs.shared, 'set'), order: 'streamed', shuffleBuffer: 2 };
  await runs.train('streamed', settings('set', { data }));
  expect([...wordsIn('streamed').counts]).toEqual(OF_SET);
});

test('a run that begins with a model adds to its words, and keeps what emoji stand for', async () => {
  await runs.train('first', settings('set'));
  const init = join(runs.root, 'first', 'model');
  writeFileSync(join(init, 'emoji.json'), '{"🎩": "a hat"}');
  await runs.train('second', settings('other', { model: undefined, tokenizer: undefined, init }));
  expect(Object.fromEntries(wordsIn('second').counts)).toEqual({
    ...Object.fromEntries(OF_SET),
    a: 3,
    green: 1,
    hat: 2,
  });
  expect(runs.bytes('second', 'model', 'emoji.json').toString()).toBe('{"🎩": "a hat"}');
  rmSync(join(init, 'words.json')); // nobody knows what that model knows
  await runs.train('third', settings('other', { model: undefined, tokenizer: undefined, init }));
  expect(() => wordsIn('third')).toThrow('ENOENT');
});
