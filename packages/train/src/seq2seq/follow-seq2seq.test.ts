import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { describeRanks, startRanks } from '../../../mpi/testing/ranks.js';
import { seq2seqRuns, slidingRows } from '../../testing/seq2seq-runs.js';
import { tinyDalleBartJson } from '../../testing/tiny-models.js';
import { writeShard } from '../encoded/shards.js';

const runs = seq2seqRuns(async (shared) => {
  const colours = ['red', 'green', 'blue', 'black', 'white', 'pink', 'grey'];
  const rows = slidingRows(colours.map((colour) => [`a ${colour} ball`, `Ball, ${colour}!`]));
  mkdirSync(join(shared, 'set'));
  await writeShard(join(shared, 'set', 'shard-00000.parquet'), rows);
  return rows.map((row) => row.caption);
});

type Settings = Readonly<Record<string, unknown>>;

/** Five micro-batches an update, so that neither 2 nor 3 ranks have the same number each. */
const settings = (changes: Settings = {}): Settings => ({
  seed: 3,
  model: tinyDalleBartJson,
  tokenizer: join(runs.shared, 'tokenizer'),
  data: { train: join(runs.shared, 'set'), blankCaptions: 0.2 },
  steps: 4,
  batchSize: 2,
  accumulate: 5,
  optimizer: { beta2: 0.98, weightDecay: 0.05 },
  schedule: { learningRate: 0.01, warmupSteps: 2 },
  clipNorm: 0.1,
  maskInputs: { max: 0.5 },
  evaluation: { every: 2, trainRows: 5 },
  log: { every: 1, norms: 2 },
  checkpoint: { every: 2, keep: 2 },
  ranks: { order: 'micro-batches', checkEvery: 1 },
  ...changes,
});

/** A training of all ranks; `others` are settings of all but rank 0. */
interface Job {
  readonly out: string;
  readonly settings: Settings;
  readonly resume?: boolean;
  readonly others?: Settings;
  readonly stopAt?: number;
  readonly failing?: { readonly rank: number; readonly sum: number; readonly message: string };
}
type End = { readonly complete: boolean; readonly step: number } | { readonly error: string };

/** How each training ended on each rank. One start of the ranks serves all of them. */
async function trainOnRanks(ranks: number, jobs: readonly Job[]): Promise<readonly (readonly End[])[]> {
  const list = join(runs.root, 'jobs.json');
  writeFileSync(list, JSON.stringify(jobs.map((job) => ({ ...job, out: join(runs.root, job.out) }))));
  const program = join(import.meta.dirname, '../../testing/train-on-ranks.mjs');
  const { code, stdout, stderr } = await startRanks(ranks, [program, list]).ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

const done = (ranks: number, step = 4) =>
  Array.from({ length: ranks }, () => ({ complete: step === 4, step }));
const FILES = ['model.safetensors', 'optimizer.safetensors'];
const STEP = 'step-00000004';

describeRanks('training on ranks', () => {
  test('on 3: the files of one process, bit for bit; a run moves between 1, 2 and 3 ranks', async () => {
    const streamed = { data: { train: join(runs.shared, 'set'), order: 'streamed', shuffleBuffer: 4 } };
    await runs.train('one', settings());
    await runs.train('one-streamed', settings(streamed));
    await runs.train('moved', settings(), { signal: AbortSignal.abort() });
    const jobs: Job[] = [
      { out: 'three', settings: settings() },
      { out: 'any', settings: settings({ ranks: { order: 'any', checkEvery: 1 } }) },
      { out: 'streamed', settings: settings({ ...streamed, steps: 4 }), stopAt: 2 },
      { out: 'moved', settings: settings(), stopAt: 2 },
    ];
    expect(await trainOnRanks(3, jobs)).toEqual([done(3), done(3), done(3, 2), done(3, 2)]);
    expect(await trainOnRanks(2, [{ out: 'streamed', settings: settings(streamed), resume: true }])).toEqual([
      done(2),
    ]);
    await runs.train('moved', settings(), { resume: true });
    for (const file of FILES) {
      expect(runs.same('three', 'one', 'checkpoints', STEP, file)).toBe(true);
      expect(runs.same('moved', 'one', 'checkpoints', STEP, file)).toBe(true);
      expect(runs.same('streamed', 'one-streamed', 'checkpoints', STEP, file)).toBe(true);
      expect(runs.same('any', 'one', 'checkpoints', STEP, file)).toBe(false); // it is another order
    }
    expect(runs.same('three', 'one', 'weights.jsonl')).toBe(true);
    expect(runs.metrics('three')).toEqual(runs.metrics('one'));
    expect(runs.metrics('moved')).toEqual(runs.metrics('one'));
    expect(readdirSync(join(runs.root, 'three')).sort()).toEqual(readdirSync(join(runs.root, 'one')).sort());
    const losses = runs.trained('one', 'loss');
    for (const [i, loss] of runs.trained('any', 'loss').entries())
      expect(loss).toBeCloseTo(losses[i] as number, 5);
  });

  test('what goes wrong on one rank ends all, with a checkpoint; and what ranks must have in common', async () => {
    const jobs: Job[] = [
      // The third update of rank 1 breaks off: each has two rounds of one bucket.
      {
        out: 'failed',
        settings: settings({ checkpoint: { every: 0 } }),
        failing: { rank: 1, sum: 5, message: 'no memory left' },
      },
      { out: 'failed', settings: settings({ checkpoint: { every: 0 } }), resume: true },
      {
        out: 'nan',
        settings: settings({ schedule: { learningRate: 1e30 }, clipNorm: null, checkpoint: { every: 0 } }),
      },
      { out: 'other', settings: settings(), others: { batchSize: 3 } },
      {
        out: 'data',
        settings: settings(),
        others: { data: { train: join(runs.shared, 'no-set'), blankCaptions: 0.2 } },
      },
      { out: 'few', settings: settings({ accumulate: 2, batchSize: 5 }) },
    ];
    const ends = await trainOnRanks(3, jobs);
    const errors = (end: readonly End[] | undefined) =>
      end?.map((one) => ('error' in one ? one.error : 'no error'));
    const failed = errors(ends[0]);
    expect(failed?.[0]).toMatch(
      /^Rank 1: no memory left Go on from .*failed\/checkpoints\/step-00000002 with --resume\.$/,
    );
    expect(failed?.slice(1)).toEqual(['Rank 1: no memory left', 'Rank 1: no memory left']);
    expect(ends[1]).toEqual(done(3));
    await runs.train('one', settings());
    for (const file of FILES) expect(runs.same('failed', 'one', 'checkpoints', STEP, file)).toBe(true);
    expect(errors(ends[2])?.[0]).toMatch(
      /^Training stopped at step \d: .* Its batch is in .*failed-batch\.json\./,
    );
    expect(errors(ends[2])?.[1]).toMatch(/^Rank 0: Training stopped at step \d: /);
    for (const message of errors(ends[3]) ?? [])
      expect(message).toMatch(/batchSize is 2 and 3 \(rank 0 on .*, then rank 1 on /);
    expect(readdirSync(runs.root)).not.toContain('other'); // nothing was begun
    for (const message of errors(ends[4]) ?? [])
      expect(message).toMatch(/data\.train is .*\/set.* and .*no-set/);
    for (const message of errors(ends[5]) ?? [])
      expect(message).toMatch(/3 ranks share an update's micro-batches, but there are 2 \(accumulate\)/);
  });
});
