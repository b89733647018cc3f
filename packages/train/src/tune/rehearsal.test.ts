import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BpeTokenizer, trainBpe } from '@easel/bart';
import { DataError } from '@easel/core';
import { generatePictures, type PictureModel } from '@easel/draw';
import { openPictureModel } from '@easel/draw/node';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { writeTinyModel } from '../../../draw/testing/tiny-model.js';
import { startTestBackend } from '../../testing/backend.js';
import { readEncodedSet } from '../encoded/encoded-set.js';
import { promptsToRehearse, rehearse } from './rehearsal.js';

let root: string;
let out: string;
let model: PictureModel;
const shape = { imageLength: 16, imageVocabSize: 18 };
beforeAll(async () => {
  await startTestBackend();
  root = mkdtempSync(join(tmpdir(), 'easel-rehearsal-'));
  await writeTinyModel(join(root, 'model'));
  model = await openPictureModel(join(root, 'model'));
});
beforeEach(() => {
  out = mkdtempSync(join(root, 'out-'));
});
afterAll(() => {
  model.dispose();
  rmSync(root, { recursive: true, force: true });
});

const prompts = Array.from({ length: 20 }, (_, i) => `prompt ${i}`);
const unlimited = { most: 1000, isOver: () => false };

test('each prompt once before one comes again, with another seed, as the model draws', async () => {
  const told: number[] = [];
  const drawn = await rehearse(model, prompts, { out, ...unlimited, onDrawn: (n) => told.push(n) });
  expect([drawn, told]).toEqual([40, [16, 20, 36, 40]]);
  const { captions, encodings } = await readEncodedSet(out, shape);
  const [first, second] = [captions.slice(0, 20), captions.slice(20)];
  expect([...first].sort()).toEqual([...prompts].sort());
  expect(second).toEqual(first);
  expect(first).not.toEqual(prompts); // the order is random, so that a part is a sample
  for (const [row, seed] of [
    [3, 0],
    [23, 1],
  ] as const)
    for await (const { tokens } of generatePictures(model, { prompts: [captions[row] as string], seed }))
      expect([...encodings.subarray(row * 16, row * 16 + 16)]).toEqual([...tokens]);
});

test('what is there is not drawn again; time and number end it', async () => {
  let asked = 0;
  const drawn = await rehearse(model, prompts, { out, most: 1000, isOver: () => ++asked > 1 });
  expect(drawn).toBe(20);
  const shards = readdirSync(out);
  expect(shards).toEqual(['shard-00000.jsonl', 'shard-00016.jsonl']);
  const before = statSync(join(out, 'shard-00000.jsonl')).mtimeMs;
  expect(await rehearse(model, prompts, { out, most: 30, isOver: () => false })).toBe(30);
  expect(readdirSync(out)).toEqual([...shards, 'shard-00020.jsonl']);
  expect(statSync(join(out, 'shard-00000.jsonl')).mtimeMs).toBe(before);
  expect(await rehearse(model, prompts, { out, most: 30, isOver: () => true })).toBe(30);
});

test('an abort keeps the shards that are whole', async () => {
  const stop = new AbortController();
  const stopped = rehearse(model, prompts, {
    out,
    ...unlimited,
    signal: stop.signal,
    onDrawn: () => stop.abort(new Error('stopped')),
  });
  await expect(stopped).rejects.toThrow('stopped');
  expect(readdirSync(out)).toEqual(['shard-00000.jsonl']);
  expect(readFileSync(join(out, 'shard-00000.jsonl'), 'utf8').trim().split('\n')).toHaveLength(16);
});

test('prompts: those given, those of the folder, its words, the words of the vocabulary', async () => {
  const texts = ['a zebra and a zebra', 'zebra, and 1231 123', 'ab ab ab ab'];
  const tokenizer = new BpeTokenizer(trainBpe(texts, { vocabSize: 300 }));
  const words = {
    counts: new Map([
      ['heart', 9],
      ['a', 7],
      ['ice', 2],
    ]),
    complete: true,
  };
  const old = { tokenizer, words: null };
  expect(await promptsToRehearse(out, old, ['x', 'x'])).toEqual({ prompts: ['x'], from: 'given' });
  const found = await promptsToRehearse(out, old, undefined);
  expect({ ...found, prompts: [...found.prompts].sort() }).toEqual({
    prompts: ['and', 'zebra'],
    from: 'words',
  });
  const named = { prompts: ['heart', 'ice'], from: 'words' };
  expect(await promptsToRehearse(out, { tokenizer, words }, undefined)).toEqual(named);
  writeFileSync(join(out, 'prompts.txt'), 'a zebra\n');
  expect(await promptsToRehearse(out, { tokenizer, words }, undefined)).toEqual({
    prompts: ['a zebra'],
    from: 'model',
  });
  await expect(promptsToRehearse(out, old, [])).rejects.toThrow(DataError);
  const letters = new BpeTokenizer(trainBpe(['a b'], { vocabSize: 261 }));
  await expect(promptsToRehearse(root, { tokenizer: letters, words: null }, undefined)).rejects.toThrow(
    /names neither prompts \(prompts\.txt\) nor words.*no whole words\. Give prompts \(--prompts FILE/,
  );
});
