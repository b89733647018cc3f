import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryFiles, type Raster } from '@easel/core';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { FAST_BACKEND } from '../testing/backends.js';
import { goldenPath } from '../testing/golden.js';
import { tinyClip } from '../testing/tiny-clip.js';
import { openClip, saveClip } from './node.js';
import { openClip as openAnywhere } from './open.js';
import { ClipScorer } from './scorer.js';

let root: string;
let folder: string;
beforeAll(async () => {
  await tf.setBackend(FAST_BACKEND);
  root = mkdtempSync(join(tmpdir(), 'easel-clip-'));
  folder = join(root, 'clip');
  const parts = tinyClip();
  await saveClip(folder, parts);
  parts.clip.dispose();
});
afterAll(() => rmSync(root, { recursive: true }));

/** A picture of one colour with a stripe. */
function picture(width: number, height: number, seed: number): Raster {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * seed * 7 + (i % 5) * 40) % 256);
  return { data, width, height, channels: 3 };
}

const pictures = [picture(8, 8, 1), picture(13, 9, 2), picture(9, 20, 3), picture(5, 5, 4), picture(8, 8, 5)];

describe('a CLIP folder', () => {
  test('what is saved opens with the same weights, tokenizer and scores; nothing is left behind', async () => {
    const before = tf.memory().numTensors;
    const made = tinyClip();
    const expected = await new ClipScorer(made).score('a red heart', pictures);
    made.clip.dispose();
    const opened = await openClip(folder);
    expect(await opened.scorer.score('a red heart', pictures)).toEqual(expected);
    expect(opened.tokenizer.encode('a b')).toEqual(made.tokenizer.encode('a b'));
    expect(opened.imageProcessor).toEqual(made.imageProcessor);
    opened.dispose();
    expect(tf.memory().numTensors).toBe(before);
    expect(new Set(expected).size).toBe(pictures.length);
  });

  test('the same from memory, and each weight is told of', async () => {
    const files = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))] as const);
    const told: string[] = [];
    const onWeight = (name: string, done: number, total: number) => told.push(`${name} ${done}/${total}`);
    const [here, there] = [
      await openClip(folder),
      await openAnywhere(memoryFiles(new Map(files)), { onWeight }),
    ];
    expect(there.config).toEqual(here.config);
    expect(await there.scorer.score('a red heart', pictures)).toEqual(
      await here.scorer.score('a red heart', pictures),
    );
    const names = [...there.clip.namedWeights().keys()];
    expect(told.at(-1)).toMatch(new RegExp(` ${names.length}/${names.length}$`));
    expect(told).toHaveLength(names.length);
    here.dispose();
    there.dispose();
  });

  test('pairs: each picture with its own texts, as one by one; nothing is left behind', async () => {
    const { scorer, dispose } = await openClip(folder);
    const texts = [['a dog', 'a red heart'], [], ['b'], ['a dog'], ['c d']];
    const before = tf.memory().numTensors;
    const pairs = await scorer.scorePairs(texts, pictures);
    expect(tf.memory().numTensors).toBe(before);
    for (const [i, own] of texts.entries()) {
      expect(pairs[i]).toHaveLength(own.length);
      for (const [t, text] of own.entries())
        expect(pairs[i]?.[t]).toBeCloseTo(
          (await scorer.score(text, [pictures[i] as Raster]))[0] as number,
          4,
        );
    }
    expect(await scorer.scorePairs([[], []], pictures.slice(0, 2))).toEqual([[], []]);
    dispose();
  });

  test('scores do not depend on the batch, on the order or on other texts', async () => {
    const { scorer, dispose } = await openClip(folder);
    const expected = await scorer.score('a dog', pictures);
    const counts: number[] = [];
    const small = await scorer.score('a dog', pictures, { batch: 2, onScored: (done) => counts.push(done) });
    expect(counts).toEqual([2, 4, 5]);
    const other = await scorer.score('a red heart', [...pictures].reverse());
    const again = await scorer.score('a dog', [...pictures].reverse());
    for (const [i, score] of expected.entries()) {
      expect(small[i]).toBeCloseTo(score, 4);
      expect(again[pictures.length - 1 - i]).toBeCloseTo(score, 4);
    }
    expect(other).not.toEqual(again);
    expect(await scorer.score('a dog', [])).toEqual([]);
    dispose();
  });

  test('a long text is cut, and says so', async () => {
    const { scorer, dispose } = await openClip(folder);
    expect(scorer.lengthOf('heart heart heart')).toEqual({ tokens: 17, read: 12 });
    expect(scorer.lengthOf('a')).toEqual({ tokens: 3, read: 3 });
    const cut = await scorer.score('heart heart heart', pictures);
    expect(cut).toEqual(await scorer.score('heart heart hello', pictures)); // ten letters and the two ends
    dispose();
  });

  test('the folder of a real CLIP: Flax weights, no preprocessor_config.json', async () => {
    const flax = join(root, 'flax');
    cpSync(folder, flax, { recursive: true });
    rmSync(join(flax, 'preprocessor_config.json'));
    const opened = await openClip(flax);
    expect(opened.imageProcessor.cropTo).toEqual({ height: 8, width: 8 });
    opened.dispose();
  });
});

describe('broken folders: an error that names the file', () => {
  test.each<[string, (copy: string) => void, string | RegExp]>([
    ['no config.json', (copy) => rmSync(join(copy, 'config.json')), 'config.json: there is no such file'],
    ['no weights', (copy) => rmSync(join(copy, 'model.safetensors')), 'expected one of model.safetensors'],
    ['no tokenizer', (copy) => rmSync(join(copy, 'vocab.json')), 'expected vocab.json and merges.txt'],
    ['no JSON', (copy) => writeFileSync(join(copy, 'config.json'), '{'), 'config.json: not JSON'],
    [
      'pictures of another size',
      (copy) => writeFileSync(join(copy, 'preprocessor_config.json'), '{"size": 9, "crop_size": 9}'),
      'makes pictures of 9×9, but the model takes 8×8',
    ],
    [
      'pictures of any size',
      (copy) => writeFileSync(join(copy, 'preprocessor_config.json'), '{"do_center_crop": false}'),
      'makes pictures of any size',
    ],
    [
      'a tokenizer of another model',
      (copy) => replace(join(copy, 'config.json'), '"vocab_size": 515', '"vocab_size": 513'),
      'the tokenizer has 514 ids, but the model',
    ],
    [
      'weights of another model',
      (copy) => cpSync(goldenPath('clip/quick_gelu/model.safetensors'), join(copy, 'model.safetensors')),
      /does not fit the model\. .*of another shape/,
    ],
  ])('%s', async (name, spoil, message) => {
    const copy = join(root, name);
    cpSync(folder, copy, { recursive: true });
    expect(existsSync(join(copy, 'config.json'))).toBe(true);
    spoil(copy);
    const before = tf.memory().numTensors;
    await expect(openClip(copy)).rejects.toThrow(message);
    expect(tf.memory().numTensors).toBe(before);
  });
});

function replace(file: string, from: string, to: string): void {
  const text = readFileSync(file, 'utf8');
  expect(text).toContain(from);
  writeFileSync(file, text.replace(from, to));
}
