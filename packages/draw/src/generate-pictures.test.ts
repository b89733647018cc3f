import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateTokens } from '@easel/bart';
import { type Key, selectBackend } from '@easel/core';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { tinyBartConfig, tinyVqganConfig, writeTinyModel } from '../testing/tiny-model.js';
import { type GeneratePicturesOptions, generatePictures } from './generate-pictures.js';
import { iterationKeys } from './iteration-keys.js';
import { openPictureModel } from './node.js';
import type { PictureModel } from './picture-model.js';
import type { Picture } from './picture-request.js';

let root: string;
let model: PictureModel;
beforeAll(async () => {
  await selectBackend('cpu');
  root = mkdtempSync(join(tmpdir(), 'easel-draw-'));
  await writeTinyModel(join(root, 'model'));
  model = await openPictureModel(join(root, 'model'));
});
afterAll(() => {
  model.dispose();
  rmSync(root, { recursive: true });
});

async function draw(options: GeneratePicturesOptions): Promise<Picture[]> {
  const pictures: Picture[] = [];
  for await (const picture of generatePictures(model, options)) pictures.push(picture);
  return pictures;
}

test("a vocabulary that goes on behind the codes, as DALL·E mega's: every token is a code, whatever the settings", async () => {
  const codes = tinyVqganConfig.n_embed;
  expect(tinyBartConfig.image_vocab_size).toBeGreaterThan(codes);
  const settings = { temperature: 50, topK: 0 };
  for (const search of [{ way: 'dalle-mini' }, { way: 'min-dalle' }] as const) {
    const drawn = await draw({
      prompts: ['a dog'],
      images: 12,
      search,
      settings: search.way === 'min-dalle' ? { temperature: 50 } : settings,
    });
    const ids = drawn.flatMap(({ tokens }) => [...tokens]);
    expect(Math.max(...ids)).toBe(codes - 1); // wild enough that the last code is drawn
    expect(Math.min(...ids)).toBe(0);
  }
  const all = await draw({ prompts: ['a dog'], images: 12, allIds: true, settings });
  expect(Math.max(...all.flatMap(({ tokens }) => [...tokens]))).toBeGreaterThanOrEqual(codes);
});

test("pictures are the model's, with the notebook's keys, prompt by prompt, whatever the batch", async () => {
  const prompts = ['a dog', 'a red heart'];
  const settings = { conditionScale: 2, topK: 7 };
  const told: number[] = [];
  const drawn = await draw({
    prompts,
    images: 3,
    seed: 7,
    batch: 4,
    settings,
    onTokens: (done, total) => told.push(done, total),
  });
  expect(drawn.map(({ promptIndex, index }) => [promptIndex, index])).toEqual([
    [0, 0],
    [0, 1],
    [0, 2],
    [1, 0],
    [1, 1],
    [1, 2],
  ]);
  const keys = iterationKeys(7, 3);
  for (const { prompt, index, tokens, pixels } of drawn) {
    const [expected] = await generateTokens(model.text.model, model.text.processor.process([prompt]), {
      key: keys[index] as Key,
      ...settings,
    });
    expect(tokens).toEqual(expected);
    expect([pixels.width, pixels.height, pixels.data.length]).toEqual([8, 8, 8 * 8 * 3]);
  }
  expect(told.slice(0, 2)).toEqual([4, 6 * 16]);
  expect(told.slice(-2)).toEqual([6 * 16, 6 * 16]);
});

test('an abort ends it with its reason; what was finished came, and nothing leaks', async () => {
  const stop = new AbortController();
  const before = tf.memory().numTensors;
  const came: Picture[] = [];
  const reason = new Error('enough');
  const drawing = (async () => {
    for await (const picture of generatePictures(model, {
      prompts: ['a dog'],
      images: 3,
      batch: 1,
      signal: stop.signal,
      onTokens: (done) => {
        if (done === 40) stop.abort(reason);
      },
    }))
      came.push(picture);
  })();
  await expect(drawing).rejects.toBe(reason);
  expect(came.map(({ index }) => index)).toEqual([0, 1]);
  expect(tf.memory().numTensors).toBe(before);
});
