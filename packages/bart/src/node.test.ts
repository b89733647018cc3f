import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prngKey } from '@easel/core';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { parseDalleBartConfig } from './config.js';
import { FirstVersionBart } from './first-version/model.js';
import { generateTokens } from './generate.js';
import { initializeDalleBart } from './initialize.js';
import { DalleBart } from './model.js';
import { openDalleBart, openTokenizer, saveDalleBart } from './node.js';
import { BpeTokenizer } from './tokenizer/bpe-tokenizer.js';
import { trainBpe } from './tokenizer/train-bpe.js';

jest.setTimeout(300_000); // a busy machine

const golden = fileURLToPath(new URL('../../../reference/golden/', import.meta.url));
const tokenizerGolden = fileURLToPath(new URL('../../../reference/golden/tokenizer/full/', import.meta.url));
const SIZES = {
  encoder_vocab_size: 261,
  image_vocab_size: 20,
  image_length: 4,
  max_text_length: 8,
  encoder_layers: 1,
  decoder_layers: 2,
  encoder_ffn_dim: 6,
  decoder_ffn_dim: 10,
  encoder_attention_heads: 2,
  decoder_attention_heads: 2,
  d_model: 4,
  normalize_text: true,
};

let scratch: string;
beforeAll(async () => {
  await tf.setBackend('cpu');
  scratch = mkdtempSync(join(tmpdir(), 'easel-bart-'));
});
afterAll(() => rmSync(scratch, { recursive: true }));

function freshModel(): DalleBart {
  const model = new DalleBart(parseDalleBartConfig(SIZES));
  initializeDalleBart(model, prngKey(3));
  return model;
}

async function saved(name: string, dtype: 'F32' | 'F16' = 'F32'): Promise<string> {
  const folder = join(scratch, name);
  const model = freshModel();
  await saveDalleBart(
    folder,
    { model, tokenizer: new BpeTokenizer(trainBpe([], { vocabSize: 261 })) },
    { dtype },
  );
  model.dispose();
  return folder;
}

describe('saving and opening', () => {
  test('gives the same weights, config and tokens back', async () => {
    const folder = await saved('whole');
    expect(readdirSync(folder).sort()).toEqual([
      'config.json',
      'merges.txt',
      'model.safetensors',
      'special_tokens_map.json',
      'tokenizer_config.json',
      'vocab.json',
    ]);
    const before = tf.memory().numTensors;
    const opened = await openDalleBart(folder);
    const model = freshModel();
    expect(opened.config).toEqual(model.config);
    for (const [name, weight] of model.namedWeights()) {
      const got = opened.model.namedWeights().get(name) as tf.Variable;
      expect([name, [...got.dataSync()]]).toEqual([name, [...weight.dataSync()]]);
    }
    const [row] = await generateTokens(opened.model, opened.processor.process(['Red Heart!']));
    expect(row).toHaveLength(4);
    opened.dispose();
    model.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('half precision takes half the room', async () => {
    const whole = readFileSync(join(await saved('f32'), 'model.safetensors')).length;
    const half = readFileSync(join(await saved('f16', 'F16'), 'model.safetensors')).length;
    expect(half).toBeLessThan(whole * 0.75);
    (await openDalleBart(join(scratch, 'f16'))).dispose();
  });

  test.each(['like_mini_glu', 'normformer_scan'])("opens the original's folder, %s", async (name) => {
    const folder = mkdtempSync(join(scratch, 'flax-'));
    for (const file of ['config.json', 'flax_model.msgpack'])
      copyFileSync(join(golden, 'bart', name, file), join(folder, file));
    const trained = new BpeTokenizer(trainBpe([], { vocabSize: 261 }));
    writeFileSync(join(folder, 'merges.txt'), '');
    // The golden models have 60 text ids: a tokenizer of the first 60 tokens.
    const vocab = Object.fromEntries([...trained.vocab].filter(([, id]) => id < 60));
    writeFileSync(join(folder, 'vocab.json'), JSON.stringify(vocab));
    const opened = await openDalleBart(folder);
    expect(opened.model.namedWeights().size).toBeGreaterThan(40);
    opened.dispose();
  });

  test("opens the first version's folder, and what is saved of it", async () => {
    const folder = mkdtempSync(join(scratch, 'first-'));
    for (const file of ['config.json', 'decoder_config.json', 'flax_model.msgpack'])
      copyFileSync(join(golden, 'bart', 'v1_decoder_defaults', file), join(folder, file));
    const trained = new BpeTokenizer(trainBpe([], { vocabSize: 261 }));
    writeFileSync(join(folder, 'merges.txt'), '');
    // It has 50 text ids; BART's <mask> is one more than there are embeddings.
    const vocab = Object.fromEntries(
      [...trained.vocab].filter(([token, id]) => id < 50 && token !== '<mask>'),
    );
    delete vocab['<unk>'];
    writeFileSync(join(folder, 'vocab.json'), JSON.stringify({ ...vocab, '<mask>': 50 }));

    const opened = await openDalleBart(folder);
    const again = join(scratch, 'first-again');
    await saveDalleBart(again, opened);
    const reopened = await openDalleBart(again);
    expect(reopened.model).toBeInstanceOf(FirstVersionBart);
    expect(reopened.config).toEqual(opened.config);
    const prompts = opened.processor.process(['!']);
    const [row] = await generateTokens(opened.model, prompts, { greedy: true });
    expect(row).toHaveLength(16);
    expect(await generateTokens(reopened.model, prompts, { greedy: true })).toEqual([row]);
    opened.dispose();
    reopened.dispose();
  });

  test('opens a tokenizer folder of transformers', async () => {
    expect((await openTokenizer(tokenizerGolden)).size).toBe(546);
  });
});

describe('bad folders', () => {
  /** A good folder with one file changed, or removed. */
  async function damaged(
    name: string,
    file: string,
    content: string | Uint8Array | undefined,
  ): Promise<string> {
    const folder = await saved(name);
    if (content === undefined) rmSync(join(folder, file));
    else writeFileSync(join(folder, file), content);
    return folder;
  }

  test.each<[string, string, string | Uint8Array | undefined, RegExp]>([
    ['no config', 'config.json', undefined, /config\.json: there is no such file/],
    ['half a config', 'config.json', '{"d_model": 4', /config\.json: not JSON/],
    ['a config in Latin-1', 'config.json', Uint8Array.of(0x7b, 0xe9, 0x7d), /expected UTF-8/],
    ['no vocabulary', 'vocab.json', undefined, /expected vocab\.json and merges\.txt/],
    ['a broken vocabulary', 'vocab.json', '[]', /vocab\.json: expected an object/],
    ['no weights', 'model.safetensors', undefined, /model\.safetensors/],
    ['cut weights', 'model.safetensors', Uint8Array.of(1, 2, 3), /model\.safetensors/],
    ['other sizes', 'config.json', JSON.stringify({ ...SIZES, d_model: 8 }), /lm_head\.kernel/],
    [
      'fewer text ids than the tokenizer has',
      'config.json',
      JSON.stringify({ ...SIZES, encoder_vocab_size: 100 }),
      /tokenizer has 261 ids, but encoder_vocab_size/,
    ],
  ])('%s', async (name, file, content, message) => {
    const folder = await damaged(name, file, content);
    const before = tf.memory().numTensors;
    await expect(openDalleBart(folder)).rejects.toThrow(message);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('no folder at all', async () => {
    await expect(openDalleBart(join(scratch, 'nowhere'))).rejects.toThrow(/there is no such file/);
  });

  test('a folder that cannot be written', async () => {
    const model = freshModel();
    const file = join(scratch, 'a-file');
    writeFileSync(file, '');
    const tokenizer = new BpeTokenizer(trainBpe([], { vocabSize: 261 }));
    await expect(saveDalleBart(join(file, 'model'), { model, tokenizer })).rejects.toThrow(/a-file/);
    model.dispose();
  });
});
