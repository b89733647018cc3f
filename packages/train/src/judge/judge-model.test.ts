import { join } from 'node:path';
import { ConfigError } from '@easel/core';
import type { PictureModel } from '@easel/draw';
import { openPictureModel } from '@easel/draw/node';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { startTestBackend } from '../../testing/backend.js';
import { judgeModel } from './judge-model.js';
import type { ContrastedPrompt, JudgedSet } from './judged-set.js';

jest.setTimeout(300_000); // a busy machine

const COLOURS: Readonly<Record<string, readonly number[]>> = {
  red: [221, 46, 68],
  green: [60, 180, 70],
};

/** A disc of a colour on white. */
function disc(name: string, size: number): Uint8Array {
  const colour = COLOURS[name] as readonly number[];
  return Uint8Array.from({ length: size * size * 3 }, (_, i) => {
    const [y, x] = [Math.floor(i / (size * 3)), Math.floor(i / 3) % size];
    const inside = Math.hypot(x - size / 2, y - size / 2) < 0.4 * size;
    return inside ? (colour[i % 3] as number) : 255;
  });
}

const asked = (right: string, other: string): ContrastedPrompt => ({
  prompt: `a ${right} circle`,
  split: 'seen',
  right,
  axes: { colour: [{ right, contrasts: () => [other] }] },
});

const set: JudgedSet = {
  kinds: ['discs', 'swapped'],
  prompts: (kind, count) =>
    [asked('red', 'green'), asked('green', 'red')]
      .map((one) =>
        kind === 'discs' ? one : { ...one, prompt: `a ${one.right === 'red' ? 'green' : 'red'} circle` },
      )
      .slice(0, count),
  render: disc,
};

let model: PictureModel;
beforeAll(async () => {
  await startTestBackend();
  model = await openPictureModel(join(import.meta.dirname, '../../../../data/models/emoji'));
});
afterAll(() => model.dispose());

test('drawings of two settings, judged; swapped prompts are wrong; samples of the first setting', async () => {
  const settings = [{ topK: 1 }, { topK: 1, conditionScale: 1 }];
  const told: (number | string)[][] = [];
  const before = tf.memory().numTensors;
  const { rows, verdicts, samples, complete } = await judgeModel(model, set, {
    settings,
    seed: 3,
    samples: 1,
    ceiling: 'renderings',
    onProgress: (...args) => told.push(args),
  });
  expect(tf.memory().numTensors).toBe(before);
  expect([complete, told.length, told.at(-1)]).toEqual([true, 8, [8, 8, 'swapped: 0 of 2 prompts judged']]);
  expect(
    rows.map(({ kind, axis, prompts, chance, ceiling, results }) => [
      ...[kind, axis, prompts, chance, ceiling],
      results.map(({ right }) => right),
    ]),
  ).toEqual([
    ['discs', 'colour', 2, 0.5, 1, [1, 1]],
    ['swapped', 'colour', 2, 0.5, 1, [0, 0]],
  ]);
  expect(verdicts.map(({ prompt, axes }) => [prompt, axes.colour?.right])).toContainEqual([
    'a red circle',
    [1, 1],
  ]);
  expect(samples.map(({ kind, wrong }) => [kind, wrong])).toEqual([
    ['discs', []],
    ['swapped', ['colour']],
  ]);
  expect(samples[0]?.rendering.data).toEqual(disc('red', 64));
});

test('a stopped judgement has the kinds that were finished', async () => {
  const stop = new AbortController();
  const { rows, complete } = await judgeModel(model, set, {
    count: 1,
    settings: [{ topK: 1 }],
    signal: stop.signal,
    onProgress: (done) => done === 2 && stop.abort(),
  });
  expect([complete, rows.map(({ kind }) => kind)]).toEqual([false, ['discs']]);
});

test('a kind that is not there', async () => {
  const judged = judgeModel(model, set, { kinds: ['disc'] });
  await expect(judged).rejects.toThrow(ConfigError);
  await expect(judged).rejects.toThrow(/no kind "disc"\. Did you mean "discs"\? There are: discs, swapped\./);
});
