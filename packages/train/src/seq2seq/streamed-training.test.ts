import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DataError } from '@easel/core';
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { stopAt } from '../../testing/runs.js';
import { seq2seqRuns, slidingRows } from '../../testing/seq2seq-runs.js';
import { tinyDalleBartJson } from '../../testing/tiny-models.js';
import { writeShard } from '../encoded/shards.js';
import type { TrainingOptions } from '../run/training-loop.js';

const runs = seq2seqRuns(async (shared) => {
  const rows = slidingRows(
    Array.from({ length: 23 }, (_, i) => [`Picture ${i} of ${i % 3 === 0 ? 'Anna' : 'a ball'}`]),
  );
  for (const name of ['set', 'small']) mkdirSync(join(shared, name));
  // Three shards, so that their order is shuffled too.
  await writeShard(join(shared, 'set', 'a.parquet'), rows.slice(0, 9));
  await writeShard(join(shared, 'set', 'b.parquet'), rows.slice(9, 10));
  await writeShard(join(shared, 'set', 'c.parquet'), rows.slice(10));
  await writeShard(join(shared, 'small', 'a.jsonl'), rows.slice(0, 5));
  return rows.map((row) => row.caption);
});

type Changes = Record<string, unknown> & { readonly data?: Record<string, unknown> };
const train = (name: string, changes: Changes = {}, options: Partial<TrainingOptions> = {}) =>
  runs.train(
    name,
    {
      seed: 3,
      model: tinyDalleBartJson,
      tokenizer: join(runs.shared, 'tokenizer'),
      steps: 9,
      batchSize: 3,
      accumulate: 2,
      schedule: { learningRate: 0.01 },
      evaluation: { every: 0 },
      log: { every: 1 },
      checkpoint: { every: 0 },
      ...changes,
      data: {
        train: join(runs.shared, 'set'),
        order: 'streamed',
        shuffleBuffer: 4,
        blankCaptions: 0.3,
        ...changes.data,
      },
    },
    options,
  );

describe('going on at the exact row', () => {
  // 23 rows are 3 updates of 6 an epoch, or with carryOver 23, 46, 69 rows after the epochs.
  test.each([
    ['in the first epoch', 2, {}],
    ['at the end of an epoch', 3, {}],
    ['in the third epoch', 7, {}],
    ['with rows carried over', 7, { carryOver: true }],
  ])('%s: weights, optimizer and metrics are those of a run in one go', async (_, stop, data) => {
    const before = tf.memory().numTensors;
    await train('whole', { data });
    await train('parts', { data }, stopAt(stop));
    expect(tf.memory().numTensors).toBe(before);
    await train('parts', { data }, { resume: true });
    for (const file of ['model.safetensors', 'optimizer.safetensors'])
      expect(runs.same('parts', 'whole', 'checkpoints', 'step-00000009', file)).toBe(true);
    expect(runs.metrics('parts')).toEqual(runs.metrics('whole'));
  });

  test('the position is in the checkpoint: draws for blank captions count from the start of the run', async () => {
    await train('run', {}, stopAt(4));
    const { position } = JSON.parse(
      runs.bytes('run', 'checkpoints', 'step-00000004', 'state.json').toString(),
    );
    expect(position).toEqual({ epoch: 1, batch: 1, blankDraws: 23 });
  });

  test("repeatEpoch goes through the epoch again, as the original's runs do", async () => {
    const data = { repeatEpoch: true };
    await train('run', { data }, stopAt(5));
    await train('run', { data }, { resume: true });
    expect(runs.trained('run', 'epoch')).toEqual([0, 0, 0, 1, 1, 1, 1, 1, 2]);
  });

  test('other data is refused', async () => {
    await train('run', {}, stopAt(2));
    await expect(
      train('run', { data: { train: join(runs.shared, 'small') }, batchSize: 3 }, { resume: true }),
    ).rejects.toThrow(/other training data/);
  });
});

test.each([
  ['whole updates of each epoch', { carryOver: false }, 6],
  ['rows carried over', { carryOver: true }, 7],
  ['a filter', { filterColumn: 'source', filterValue: '7', carryOver: true }, 1],
])('two epochs of 23 rows, 6 an update: %s', async (_, data, steps) => {
  const size = 'filterColumn' in data ? { batchSize: 1, accumulate: 2 } : {};
  expect(await train('run', { steps: null, epochs: 2, data, ...size })).toMatchObject({
    complete: true,
    step: steps,
  });
});

test('the seed decides; a buffer of another size gives another order', async () => {
  await train('a', { steps: 3, data: { seed: 1 } });
  await train('b', { steps: 3, data: { seed: 1 }, seed: 3 });
  await train('c', { steps: 3, data: { seed: 2 } });
  await train('d', { steps: 3, data: { seed: 1, shuffleBuffer: 5000 } });
  expect(runs.trained('b', 'loss')).toEqual(runs.trained('a', 'loss'));
  expect(runs.trained('c', 'loss')).not.toEqual(runs.trained('a', 'loss'));
  expect(runs.trained('d', 'loss')).not.toEqual(runs.trained('a', 'loss'));
});

test('several evaluation sets, in the order of the config, eval and a part of the training set last', async () => {
  const evals = { few: join(runs.shared, 'small'), all: join(runs.shared, 'set') };
  const data = { evals, eval: join(runs.shared, 'small') };
  const streamed = await train('streamed', { steps: 1, data, evaluation: { trainRows: 7 } });
  expect(Object.keys(streamed.splits)).toEqual(['few', 'all', 'eval', 'trained']);
  expect(streamed.splits.few?.loss).toBeGreaterThan(0);
  expect(streamed.splits.few).toEqual(streamed.splits.eval);
});

test('a whole set evaluated in memory and streamed is the same', async () => {
  // 23 rows in batches of 1, so that streaming leaves none out; a rate of 0 keeps the models equal.
  const same = { steps: 1, batchSize: 1, accumulate: 1, schedule: { learningRate: 1e-3, offset: 5 } };
  const data = { eval: join(runs.shared, 'set') };
  const streamed = await train('streamed', { ...same, data });
  const permuted = await train('permuted', { ...same, data: { ...data, order: 'permuted' } });
  for (const name of ['loss', 'lossBlank', 'lossFirstRow'])
    expect(streamed.splits.eval?.[name]).toBeCloseTo(permuted.splits.eval?.[name] as number, 6);
});

describe('refused', () => {
  test.each([
    ['an evaluation set smaller than a batch', { eval: 'small' }, /"eval".*don't fill one batch of 8/],
    [
      'a filter by a column that is not there',
      { filterColumn: 'lang', filterValue: 'en' },
      /no column 'lang'/,
    ],
    [
      'a set that does not fill a batch',
      { maxTrainRows: 15 },
      /15 rows of an epoch don't fill one batch of 16/,
    ],
  ])('%s', async (_, data: Record<string, unknown>, message) => {
    const before = tf.memory().numTensors;
    const failure = train('run', {
      batchSize: 8,
      data: { ...data, ...('eval' in data && { eval: join(runs.shared, data.eval as string) }) },
    });
    await expect(failure).rejects.toThrow(DataError);
    await expect(failure).rejects.toThrow(message);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('a shard that goes away during the run is named', async () => {
    const set = join(runs.root, 'set');
    mkdirSync(set);
    const rows = Array.from({ length: 6 }, (_, i) => ({
      caption: `p${i}`,
      encoding: Array(16).fill(i),
      source: `${i}`,
    }));
    await writeShard(join(set, 'a.jsonl'), rows);
    const failure = train(
      'run',
      { data: { train: set } },
      { onEvent: (event) => event.kind === 'step' && event.step === 2 && rmSync(join(set, 'a.jsonl')) },
    );
    await expect(failure).rejects.toThrow(/Shard .*a\.jsonl: can't be opened/);
  });
});
