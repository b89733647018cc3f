import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataError } from '@easel/core';
import { afterAll, describe, expect, test } from '@jest/globals';
import { NO_FILTER } from '../encoded/row-filter.js';
import { defaultShardColumns } from '../encoded/shards.js';
import {
  evaluationBatches,
  type LoaderSettings,
  type ShuffleSettings,
  STREAM_START,
  type StreamedBatch,
  type StreamPosition,
  trainingBatches,
} from './streamed-loader.js';

const folder = mkdtempSync(join(tmpdir(), 'easel-loader-'));
afterAll(() => rmSync(folder, { recursive: true }));

/**
 * Shards of the given lengths; row i of all has the caption "i", the tokens [i, i] and the score
 * i/10.
 */
function shards(lengths: readonly number[]): string[] {
  let i = 0;
  return lengths.map((length, n) => {
    const file = join(folder, `${lengths.join('-')}.${n}.jsonl`);
    const lines = Array.from({ length }, () => {
      const line = { caption: `${i}`, encoding: [i, i], clip_score: i / 10, language: i % 2 ? 'en' : 'de' };
      i++;
      return JSON.stringify(line);
    });
    writeFileSync(file, `${lines.join('\n')}\n`);
    return file;
  });
}

function settings(lengths: readonly number[], more: Partial<LoaderSettings> = {}): LoaderSettings {
  return {
    files: shards(lengths),
    columns: defaultShardColumns,
    shape: { imageLength: 2, imageVocabSize: 100 },
    ...more,
  };
}

async function take(
  loader: LoaderSettings,
  shuffle: ShuffleSettings,
  batchSize: number,
  count: number,
  from?: StreamPosition,
): Promise<StreamedBatch[]> {
  const batches: StreamedBatch[] = [];
  for await (const batch of trainingBatches(loader, shuffle, batchSize, from)) {
    batches.push(batch);
    if (batches.length === count) break;
  }
  return batches;
}

const captions = (batches: readonly StreamedBatch[]) =>
  batches.map(({ rows }) => rows.map((row) => row.caption));

describe('trainingBatches', () => {
  test('an epoch has every row once but for an incomplete last batch; the next has another order', async () => {
    const batches = await take(settings([4, 7]), { seed: 1 }, 3, 6);
    const [first, second] = [captions(batches.slice(0, 3)).flat(), captions(batches.slice(3)).flat()];
    expect(new Set(first).size).toBe(9);
    expect(new Set(second).size).toBe(9);
    expect(second).not.toEqual(first);
    expect(batches.map(({ after }) => [after.epoch, after.batch])).toEqual([
      [0, 1],
      [0, 2],
      [0, 3],
      [1, 1],
      [1, 2],
      [1, 3],
    ]);
  });

  test.each([
    ['plain', {}],
    ['with blank captions', { blankCaptions: 0.4 }],
    ['carried over', { carryOver: true, blankCaptions: 0.4 }],
    ['a buffer smaller than the set', { bufferSize: 3, blankCaptions: 0.2 }],
  ])('%s: goes on after any batch as if it had not stopped', async (_, more) => {
    const loader = settings([5, 6, 3]);
    const shuffle = { seed: 11, ...more };
    const whole = await take(loader, shuffle, 4, 10);
    for (const stop of [1, 3, 4, 7]) {
      const rest = await take(loader, shuffle, 4, 10 - stop, (whole[stop - 1] as StreamedBatch).after);
      expect(captions(rest)).toEqual(captions(whole.slice(stop)));
    }
  });

  test('carried over, no row is lost', async () => {
    const batches = await take(settings([5, 5]), { seed: 2, carryOver: true }, 4, 5);
    expect(captions(batches).flat().sort()).toEqual(
      [...Array(10).keys(), ...Array(10).keys()].map(String).sort(),
    );
  });

  test('maxRows counts before filters; filters and normalization are applied', async () => {
    const filter = {
      ...NO_FILTER,
      minClipScore: 0.2,
      maxClipScore: 0.8,
      filterColumn: 'language',
      filterValue: 'en',
    };
    const loader = settings([6, 6], { filter, maxRows: 8, normalize: (caption) => `<${caption}>` });
    const [batch] = await take(loader, { seed: 1 }, 3, 1);
    expect(batch?.rows.map((row) => row.caption).sort()).toEqual(['<3>', '<5>', '<7>']);
    expect([...(batch?.rows[0]?.encoding ?? [])]).toHaveLength(2);
  });

  test('too few rows for a batch, a row without a score, a token out of range: named', async () => {
    await expect(take(settings([3]), { seed: 1 }, 4, 1)).rejects.toThrow(
      /3 rows of an epoch don't fill one batch of 4/,
    );
    const filter = { ...NO_FILTER, minClipScore: 0.5, clipScoreColumn: 'caption' };
    await expect(take(settings([3], { filter }), { seed: 1 }, 1, 1)).rejects.toThrow(
      /row 0: expected a number in column 'caption'/,
    );
    const shape = { imageLength: 2, imageVocabSize: 2 };
    await expect(take(settings([3], { shape }), { seed: 1 }, 3, 1)).rejects.toThrow(DataError);
    const missing = { ...NO_FILTER, filterColumn: 'licence', filterValue: 'free' };
    await expect(take(settings([3], { filter: missing }), { seed: 1 }, 1, 1)).rejects.toThrow(
      /no column 'licence'/,
    );
  });
});

test('evaluationBatches: file order, an incomplete last batch dropped', async () => {
  const batches = [];
  for await (const rows of evaluationBatches(settings([2, 5]), 3))
    batches.push(rows.map((row) => row.caption));
  expect(batches).toEqual([
    ['0', '1', '2'],
    ['3', '4', '5'],
  ]);
  expect(STREAM_START.batch).toBe(0);
});
