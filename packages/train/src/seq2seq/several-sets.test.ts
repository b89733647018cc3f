import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, DataError } from '@easel/core';
import { describe, expect, test } from '@jest/globals';
import { stopAt } from '../../testing/runs.js';
import { seq2seqRuns, slidingRows } from '../../testing/seq2seq-runs.js';
import { tinyDalleBartJson } from '../../testing/tiny-models.js';
import { writeShard } from '../encoded/shards.js';
import { type LoaderSettings, STREAM_START, type StreamedBatch } from '../original/streamed-loader.js';
import type { TrainingEvent, TrainingOptions } from '../run/training-loop.js';
import { WeightedStream } from './row-streams.js';

const at = (name: string) => join(runs.shared, name);
const runs = seq2seqRuns(async (shared) => {
  const rows = slidingRows(Array.from({ length: 14 }, (_, i) => [`Picture ${i} of a ball`]));
  for (const name of ['five', 'nine', 'both', 'short']) mkdirSync(join(shared, name));
  await writeShard(join(shared, 'five', 'a.jsonl'), rows.slice(0, 5));
  await writeShard(join(shared, 'nine', 'a.jsonl'), rows.slice(5, 8));
  await writeShard(join(shared, 'nine', 'b.jsonl'), rows.slice(8));
  await writeShard(join(shared, 'both', 'a.jsonl'), rows.slice(0, 5));
  await writeShard(join(shared, 'both', 'b.jsonl'), rows.slice(5));
  await writeShard(join(shared, 'short', 'a.jsonl'), [{ caption: 'x', encoding: [1, 2], source: 's' }]);
  return rows.map((row) => row.caption);
});

type Changes = Record<string, unknown> & { readonly data?: Record<string, unknown> };
const train = (name: string, changes: Changes = {}, options: Partial<TrainingOptions> = {}) =>
  runs.train(
    name,
    {
      seed: 3,
      model: tinyDalleBartJson,
      tokenizer: at('tokenizer'),
      steps: 8,
      batchSize: 2,
      accumulate: 2,
      schedule: { learningRate: 0.01 },
      evaluation: { every: 0 },
      log: { every: 1 },
      checkpoint: { every: 0 },
      ...changes,
      data: { train: [at('five'), at('nine')], shuffleBuffer: 4, blankCaptions: 0.3, ...changes.data },
    },
    options,
  );
const weighted = () => [{ path: at('five'), weight: 3 }, { path: at('nine') }];

describe.each(['permuted', 'streamed'])('%s', (order) => {
  test.each([
    ['without weights', () => [at('five'), at('nine')]],
    ['with weights', weighted],
  ])('a list %s: a run that was stopped goes on to the same numbers', async (_, sets) => {
    const data = { train: sets(), order };
    await train('whole', { data });
    await train('parts', { data }, stopAt(2));
    await train('parts', { data }, { ...stopAt(5), resume: true });
    await train('parts', { data }, { resume: true });
    for (const file of ['model.safetensors', 'optimizer.safetensors'])
      expect(runs.same('parts', 'whole', 'checkpoints', 'step-00000008', file)).toBe(true);
    expect(runs.metrics('parts')).toEqual(runs.metrics('whole'));
    // 14 rows, 4 an update: 3 updates an epoch, and `weight` changes nothing in that
    const epochs = { permuted: [0, 0, 1, 1, 1, 2, 2, 2], streamed: [0, 0, 0, 1, 1, 1, 2, 2] }[order];
    expect(runs.trained('whole', 'epoch')).toEqual(epochs);
  });

  test('other weights, or another order of sets with weights, are other data', async () => {
    await train('run', { data: { train: weighted(), order } }, stopAt(2));
    const go = (sets: unknown) => train('run', { data: { train: sets, order } }, { resume: true });
    await expect(go([at('five'), at('nine')])).rejects.toThrow(/other training data/);
    await expect(go(weighted().reverse())).rejects.toThrow(/other training data/);
    expect(await go(weighted())).toMatchObject({ complete: true });
  });

  test('rows that are left out are told by set, and evaluation sets too', async () => {
    const lines = slidingRows([['a ball'], ['Picture 3'], ['of']]).map((row) => JSON.stringify(row));
    const broken = ['{"caption": null, "encoding": [1]}', '{"caption": "x", "encoding": null}'];
    for (const [name, more] of [
      ['nulls', broken],
      ['null', broken.slice(1)],
    ] as const)
      writeFileSync(join(runs.root, `${name}.jsonl`), [...lines, ...more].join('\n'));
    const [nulls, none] = ['nulls', 'null'].map((name) => join(runs.root, `${name}.jsonl`));
    const events: TrainingEvent[] = [];
    await train(
      'run',
      // 8 rows an epoch; 3 updates of 4 are more than one
      { steps: 3, data: { train: [at('five'), nulls], eval: [none, at('nine')], order } },
      { onEvent: (event) => events.push(event) },
    );
    const told = events.filter((event) => event.kind === 'data');
    const inOrder = [...told].sort((a, b) => b.rows - a.rows);
    expect(inOrder).toEqual([
      { kind: 'data', path: nulls, rows: 5, leftOut: { 'row without caption': 1, 'row without tokens': 1 } },
      { kind: 'data', path: none, rows: 4, leftOut: { 'row without tokens': 1 } },
    ]);
    expect(runs.bytes('run', 'skipped.jsonl').toString().trim().split('\n')).toHaveLength(3);
  });

  test.each([
    [
      'a set of other tokens',
      () => [at('five'), at('short')],
      DataError,
      /short.a\.jsonl, row 0: expected 16 image tokens.*got 2/,
    ],
    [
      'a set that is not there',
      () => [at('five'), '/nowhere'],
      DataError,
      /Encoded set \/nowhere: can't be read/,
    ],
    [
      'a weight of 0',
      () => [{ path: at('five'), weight: 0 }],
      ConfigError,
      /data\.train\[0\]\.weight: expected a number above 0, got 0/,
    ],
    [
      'a setting with a typo',
      () => [{ path: at('five'), wight: 2 }],
      ConfigError,
      /data\.train\[0\]\.wight: there is no such setting. Did you mean "weight"/,
    ],
    ['an empty list', () => [], ConfigError, /data\.train: expected the path of an encoded set.*got \[\]/],
    ['a number', () => 3, ConfigError, /data\.train: expected the path of an encoded set.*got 3/],
  ])('refused: %s', async (_, sets, kind, message) => {
    const failure = Promise.resolve().then(() => train('run', { data: { train: sets(), order } }));
    await expect(failure).rejects.toThrow(kind);
    await expect(failure).rejects.toThrow(message);
  });

  test('refused: sets of different VQGANs; a weight in an evaluation set', async () => {
    const sets = ['one', 'two'].map((name, i) => {
      const set = join(runs.root, name);
      mkdirSync(set);
      const origin = { format: 'jsonl', vqgan: `digest ${i}` };
      const rest = { shards: [{ file: 'shard-00000.jsonl' }], codeCounts: [], shardCount: 1, complete: true };
      writeFileSync(join(set, 'manifest.json'), JSON.stringify({ version: 2, origin, ...rest }));
      return set;
    });
    for (const set of sets) await writeShard(join(set, 'shard-00000.jsonl'), slidingRows([['a'], ['b']]));
    const [one, two] = sets;
    const message = `the sets ${one} and ${two} were encoded with different VQGANs`;
    await expect(train('run', { data: { train: sets, order } })).rejects.toThrow(message);
    await expect(train('run', { data: { train: one, evals: { other: two }, order } })).rejects.toThrow(
      message,
    );
    expect(await train('run', { steps: 1, batchSize: 1, data: { train: [one], order } })).toMatchObject({
      complete: true,
    });
    expect(() => train('run', { data: { eval: [{ path: one, weight: 2 }], order } })).toThrow(
      /data\.eval\[0\]\.weight: there is no such setting/,
    );
  });
});

test('a list of one set, and of sets that were one, are trained like them', async () => {
  await train('alone', { data: { train: at('both') } });
  await train('listed', { data: { train: [at('both')] } });
  await train('apart', {});
  for (const name of ['listed', 'apart']) expect(runs.metrics(name)).toEqual(runs.metrics('alone'));
  expect(await train('listed', { data: { train: at('both') } }, { resume: true })).toMatchObject({ step: 8 });
});

test('one set with a weight is that set; held-out pictures come from all sets', async () => {
  await train('alone', { data: { train: at('nine') } });
  await train('weighted', { data: { train: [{ path: at('nine'), weight: 7 }] } });
  expect(runs.metrics('weighted')).toEqual(runs.metrics('alone'));
  const held = await train('held', { data: { train: weighted(), evalFraction: 0.3 } });
  expect(Object.keys(held.splits)).toEqual(['eval']);
});

describe('a stream with weights', () => {
  const loader = (name: string, files: readonly string[]): LoaderSettings => ({
    files: files.map((file) => join(at(name), file)),
    columns: { caption: 'caption', encoding: 'encoding' },
    shape: { imageLength: 16, imageVocabSize: 18 },
  });
  const open = () =>
    new WeightedStream(
      'digest',
      [
        { path: 'five', weight: 3, loader: loader('five', ['a.jsonl']) },
        { path: 'nine', weight: 1, loader: loader('nine', ['a.jsonl', 'b.jsonl']) },
      ],
      { seed: 5, bufferSize: 3, blankCaptions: 0.2 },
    );
  const take = async (count: number, from = STREAM_START): Promise<StreamedBatch[]> => {
    const batches: StreamedBatch[] = [];
    const stream = open().batches(4, from);
    while (batches.length < count) batches.push((await stream.next()).value as StreamedBatch);
    await stream.return(undefined);
    return batches;
  };

  test('goes on at any batch as if it had not stopped', async () => {
    const whole = await take(12);
    expect(whole.map(({ after }) => [after.epoch, after.batch])).toEqual(
      Array.from({ length: 12 }, (_, i) => [Math.floor(i / 3), (i % 3) + 1]),
    );
    for (const [i, { after }] of whole.slice(0, 8).entries())
      expect(await take(4, after)).toEqual(whole.slice(i + 1, i + 5));
  });

  test('each set comes in its share, all of it before any of it again', async () => {
    const codes = (await take(300)).flatMap(({ rows }) => rows.map(({ encoding }) => encoding[0] as number));
    const five = codes.filter((code) => code < 5);
    const nine = codes.filter((code) => code >= 5);
    expect(five.length / codes.length).toBeCloseTo(3 / 4, 1);
    for (const [set, size] of [
      [five, 5],
      [nine, 9],
    ] as const)
      for (let start = 0; start + size <= set.length; start += size)
        expect(new Set(set.slice(start, start + size)).size).toBe(size);
    expect(await open().batchesIn(2, 4)).toBe(6);
  });
});

test('maxTrainRows counts in each set', async () => {
  for (const order of ['permuted', 'streamed']) {
    const data = { train: [at('five'), at('nine')], maxTrainRows: 3, order };
    expect(await train(order, { steps: null, epochs: 1, batchSize: 1, accumulate: 1, data })).toMatchObject({
      step: 6,
    });
  }
});
