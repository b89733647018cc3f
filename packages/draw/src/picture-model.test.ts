import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ModelSource, memoryFiles, selectBackend, urlFiles } from '@easel/core';
import { folderFiles } from '@easel/core/node';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { type FileServer, serveFiles } from '../../core/testing/file-server.js';
import { tinyVqganConfig, writeTinyModel, writeTinyVqgan } from '../testing/tiny-model.js';
import { generatePictures } from './generate-pictures.js';
import { openPictureModel as openFromPath } from './node.js';
import { type OpenPictureModelOptions, openPictureModel, type PictureModel } from './picture-model.js';

let root: string;
let folder: string;
let files: Map<string, Uint8Array>;
let server: FileServer;
beforeAll(async () => {
  await selectBackend('cpu');
  root = mkdtempSync(join(tmpdir(), 'easel-picture-model-'));
  folder = join(root, 'model');
  await writeTinyModel(folder);
  writeFileSync(join(folder, 'generation.json'), '{"top_k": 5}');
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.includes('.'),
  );
  files = new Map(names.map((name) => [name, readFileSync(join(folder, name))]));
  server = await serveFiles(files);
});
afterAll(async () => {
  await server.close();
  rmSync(root, { recursive: true });
});

async function tokensOf(model: PictureModel): Promise<number[]> {
  for await (const { tokens } of generatePictures(model, { prompts: ['a dog'] })) return [...tokens];
  return [];
}

describe('the same model from', () => {
  let expected: number[];
  beforeAll(async () => {
    const model = await openFromPath(folder);
    expect(model.settings).toEqual({ topK: 5, topP: 1, temperature: 1, conditionScale: 1 });
    expected = await tokensOf(model);
    model.dispose();
  });

  test.each<[string, () => ModelSource]>([
    ['files of a folder', () => folderFiles(folder)],
    ['memory', () => memoryFiles(files)],
    ['an address', () => server.address],
    ['a URL', () => new URL(server.address)],
    ['files behind an address', () => urlFiles(server.address)],
  ])('%s', async (_, source) => {
    const before = tf.memory().numTensors;
    for (const open of [openPictureModel, openFromPath]) {
      const model = await open(source());
      expect(await tokensOf(model)).toEqual(expected);
      expect(model.settings.topK).toBe(5);
      model.dispose();
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  test('two places', async () => {
    const apart = join(root, 'apart');
    await writeTinyModel(apart);
    renameSync(join(apart, 'vqgan'), join(root, 'vqgan'));
    writeFileSync(join(apart, 'generation.json'), '{"top_k": 5}');
    const model = await openFromPath(apart, { vqgan: join(root, 'vqgan') });
    expect(await tokensOf(model)).toEqual(expected);
    model.dispose();
    await expect(openFromPath(apart)).rejects.toThrow(
      `${join(apart, 'vqgan', 'config.json')}: there is no such file, so the codes of the model in ${apart} can't become pixels.`,
    );
  });
});

test('weights are told of as they come, and a signal stops between two', async () => {
  const before = tf.memory().numTensors;
  const stop = new AbortController();
  const told: string[] = [];
  const options: OpenPictureModelOptions = {
    signal: stop.signal,
    onWeight: (name, done, total) => {
      told.push(name);
      expect(done).toBeLessThan(total);
      if (done === 3) stop.abort(new Error('enough'));
    },
  };
  await expect(openPictureModel(memoryFiles(files), options)).rejects.toThrow('enough');
  expect(told).toHaveLength(3);
  expect(tf.memory().numTensors).toBe(before);
});

test('whatever part fails to open, the others are given back', async () => {
  const before = tf.memory().numTensors;
  const without = (name: string) => memoryFiles(new Map([...files].filter(([file]) => file !== name)));
  await expect(openPictureModel(without('vqgan/model.safetensors'))).rejects.toThrow(
    'memory/vqgan: expected one of model.safetensors',
  );
  await expect(openPictureModel(without('vocab.json'))).rejects.toThrow('expected vocab.json and merges.txt');
  const wrong = new Map(files).set('generation.json', new TextEncoder().encode('{"top_k": -1}'));
  await expect(openPictureModel(memoryFiles(wrong))).rejects.toThrow(
    'memory/generation.json: top_k: expected a whole number from 0, got -1',
  );
  const other = join(root, 'other');
  mkdirSync(other);
  await writeTinyVqgan(other, { ...tinyVqganConfig, n_embed: 17 });
  await expect(openPictureModel(memoryFiles(files), { vqgan: folderFiles(other) })).rejects.toThrow(
    'memory: the text model draws the ids 0 to 17 (those below its decoder_start_token_id), but the VQGAN has the codes 0 to 16.',
  );
  expect(tf.memory().numTensors).toBe(before);
});
