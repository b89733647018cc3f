import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPictureModel } from '@easel/draw/node';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import sharp from 'sharp';
import { startTestBackend } from '../../testing/backend.js';
import { nativeBackend } from '../run/native-backend.js';
import type { LearnEvent } from './learn.js';
import * as settings from './learn-settings.js';

// The stages are those of any learning, on narrower models: the shipped model's take a minute for
// the fewest updates that a stage has. learn-settings.test.ts is about the real widths.
jest.unstable_mockModule('./learn-settings.js', () => ({
  ...settings,
  vqganSettings: (...given: Parameters<typeof settings.vqganSettings>) => {
    const { model, ...others } = settings.vqganSettings(...given);
    return { ...others, model: { ...(model as object), ch: 8, z_channels: 16, embed_dim: 8 } };
  },
  seq2seqSettings: (...given: Parameters<typeof settings.seq2seqSettings>) => {
    const { model, ...others } = settings.seq2seqSettings(...given);
    const narrow = { d_model: 32, encoder_ffn_dim: 40, decoder_ffn_dim: 40 };
    return { ...others, model: { ...(model as object), ...narrow } };
  },
}));
const { learn } = await import('./learn.js');

jest.setTimeout(600_000); // a busy machine

let root: string;
const at = (...parts: string[]) => join(root, ...parts);
beforeAll(async () => {
  await startTestBackend();
  root = mkdtempSync(join(tmpdir(), 'easel-learn-'));
  mkdirSync(at('pictures'));
  for (const [i, colour] of ['red', 'green', 'blue'].entries()) {
    const create = { width: 40 + i, height: 50, channels: 3 as const, background: colour };
    await sharp({ create })
      .png()
      .toFile(at('pictures', `${colour}.png`));
    writeFileSync(at('pictures', `${colour}.txt`), `a ${colour} wall`);
  }
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

// The portable backend takes minutes for the fewest updates that a stage has.
const whenFast = (await nativeBackend()) === undefined ? test.skip : test;

whenFast('stopped in each stage it goes on, and leaves a model that draws', async () => {
  const before = tf.memory().numTensors;
  const stages: string[] = [];
  const sitting = (stopAfter: (event: LearnEvent) => boolean) => {
    const stop = new AbortController();
    return learn([{ path: at('pictures') }], {
      out: at('model'),
      ...(stages.length === 0 && { minutes: 0.01 }),
      signal: stop.signal,
      onEvent: (event) => {
        if (event.kind === 'stage') stages.push(event.stage);
        if (stopAfter(event)) stop.abort();
      },
    });
  };
  const inStage = (stage: string) => (event: LearnEvent) =>
    event.kind === 'progress' && event.stage === stage && event.done >= 2;
  expect((await sitting(inStage('vqgan'))).complete).toBe(false);
  await expect(learn([{ path: at('pictures') }], { out: at('model'), minutes: 5 })).rejects.toThrow(
    'its learning was begun for 0.01 minutes, now 5 are given',
  );
  expect((await sitting(inStage('seq2seq'))).complete).toBe(false);
  const result = await sitting(() => false);
  expect(result).toMatchObject({ complete: true, model: at('model'), pictures: 3 });
  expect([...result.captions].sort()).toEqual(['a blue wall', 'a green wall', 'a red wall']);
  expect(stages).toEqual(['vqgan', 'vqgan', 'encoded', 'tokenizer', 'seq2seq', 'seq2seq']);
  const state = JSON.parse(readFileSync(at('model', 'learning', 'state.json'), 'utf8'));
  expect(state).toMatchObject({ found: { vqganSteps: 20, seq2seqSteps: 20 } });
  const model = await openPictureModel(at('model'));
  expect(model.settings.conditionScale).toBe(1.5);
  model.dispose();
  expect(tf.memory().numTensors).toBe(before);
  expect((await sitting(() => false)).complete).toBe(true); // nothing is left to do
  expect(stages).toHaveLength(6);
});

test('other pictures, no captions, no time', async () => {
  mkdirSync(at('begun', 'learning'), { recursive: true });
  const conditions = { pictures: 'other', minutes: 1 };
  const state = { version: 2, conditions, spent: 1, found: {}, done: [] };
  writeFileSync(at('begun', 'learning', 'state.json'), JSON.stringify(state));
  await expect(learn([{ path: at('pictures') }], { out: at('begun') })).rejects.toThrow(
    'other pictures or captions',
  );
  await expect(learn([{ path: at('pictures') }], { out: at('x'), minutes: 0 })).rejects.toThrow(
    'expected minutes above 0',
  );
  await expect(learn([{ path: at('none') }], { out: at('x') })).rejects.toThrow("can't be read");
  mkdirSync(at('other'));
  writeFileSync(at('other', 'config.json'), '{}');
  await expect(learn([{ path: at('pictures') }], { out: at('other') })).rejects.toThrow(
    'there is a model in it already, of which no learning is known',
  );
  expect(existsSync(at('x'))).toBe(false);
});
