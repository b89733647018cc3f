import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend } from '@easel/core';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { writeTinyModel } from '../../testing/tiny-model.js';
import { generatePictures } from '../generate-pictures.js';
import { openPictureModel } from '../node.js';
import type { PictureModel } from '../picture-model.js';
import { promptHints } from './prompt-hints.js';

let folder: string;
beforeAll(async () => {
  await selectBackend('cpu');
  folder = mkdtempSync(join(tmpdir(), 'easel-hints-'));
  await writeTinyModel(folder);
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, normalize_text: true }));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function withModel<T>(use: (model: PictureModel) => T | Promise<T>): Promise<T> {
  const model = await openPictureModel(folder);
  try {
    return await use(model);
  } finally {
    model.dispose();
  }
}

const tokensOf = async (model: PictureModel, prompt: string) => {
  for await (const { tokens, prompt: named } of generatePictures(model, { prompts: [prompt] }))
    return [named, [...tokens]];
  return [];
};

test('without files of words and emoji nothing is unknown', async () => {
  const [hint, blank] = await withModel((model) => promptHints(model, ['an elefant', '?!']));
  expect(hint).toMatchObject({ prompt: 'an elefant', unknown: [], empty: false });
  expect(blank).toMatchObject({ prompt: '?!', unknown: [], empty: true });
});

test('with them: unknown words once each, by the normalizer, and emoji as what they stand for', async () => {
  const plain = await withModel((model) => tokensOf(model, 'a red heart'));
  writeFileSync(join(folder, 'words.json'), '{"words": {"a": 3, "red": 1, "heart": 1, "dog": 1}}');
  writeFileSync(join(folder, 'emoji.json'), '{"❤️": "a red heart", "🐘": "an elephant"}');
  await withModel(async (model) => {
    const prompts = ['A RED Héart', 'dgo, Dgo & red hearts', '❤', 'a 🐘'];
    expect(promptHints(model, prompts)).toMatchObject([
      { prompt: 'A RED Héart', unknown: [], empty: false },
      {
        prompt: 'dgo, Dgo & red hearts',
        unknown: [
          { word: 'dgo', suggestions: ['dog'] },
          { word: 'hearts', suggestions: ['heart'] },
        ],
        empty: false,
      },
      { prompt: '❤', unknown: [], empty: false },
      { prompt: 'a 🐘', unknown: [{ word: 'elephant', suggestions: [] }], empty: false },
    ]);
    expect(await tokensOf(model, '❤')).toEqual(['❤', plain[1]]);
  });
});

test('a prompt that is longer than the model reads is cut', async () => {
  // The tiny model reads 10 tokens, those of start and end included.
  const hints = await withModel((model) => promptHints(model, ['a dog', 'a dog and '.repeat(9)]));
  expect(hints.map(({ cut }) => cut)).toEqual([false, true]);
});

test('a damaged file of words is refused by name', async () => {
  writeFileSync(join(folder, 'words.json'), '{"words": {"a"');
  await expect(openPictureModel(folder)).rejects.toThrow(`${join(folder, 'words.json')}: not JSON`);
});
