import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DalleBart, initializeDalleBart, parseDalleBartConfig } from '@easel/bart';
import { openTokenizer, saveDalleBart } from '@easel/bart/node';
import { prngKey } from '@easel/core';
import { initializeVqgan, parseVqganConfig, Vqgan } from '@easel/vqgan';
import { saveVqgan } from '@easel/vqgan/node';
import { describe, expect, test } from '@jest/globals';
import { seq2seqRuns } from '../../testing/seq2seq-runs.js';
import { tinyDalleBartJson, tinyVqganJson } from '../../testing/tiny-models.js';
import { parseSeq2SeqConfig } from '../config/seq2seq-config.js';
import type { LoadingEvent } from '../run/loading.js';
import { startingPoint } from './starting-point.js';

const runs = seq2seqRuns(async () => ['a red ball', 'a blue ball']);

async function writeVqgan(codes: number): Promise<string> {
  const vqgan = new Vqgan(parseVqganConfig({ ...tinyVqganJson, n_embed: codes }));
  initializeVqgan(vqgan, prngKey(5));
  const folder = join(runs.root, `vqgan-${codes}`);
  await saveVqgan(folder, vqgan);
  vqgan.dispose();
  return folder;
}

async function writeModel(json: object): Promise<string> {
  const model = new DalleBart(parseDalleBartConfig(json));
  initializeDalleBart(model, prngKey(6));
  const tokenizer = await openTokenizer(join(runs.shared, 'tokenizer'));
  const folder = join(runs.root, 'model');
  await saveDalleBart(folder, { model, tokenizer });
  model.dispose();
  return folder;
}

/** The vocabulary, the start token and the codes of DALL·E mini and mega, and of ours, made small. */
describe('the ids that a model draws and the codes of its VQGAN', () => {
  test.each([
    ['as many as the vocabulary', 18, 18, 18, null],
    ['a vocabulary that goes on behind them', 27, 18, 18, null],
    [
      'more codes than are drawn, though fewer than the vocabulary',
      27,
      18,
      20,
      /codes 0 to 19, but the model draws the ids 0 to 17 alone \(image_vocab_size 27, decoder_start_token_id 18\)/,
    ],
    ['more codes than the vocabulary', 18, 18, 30, /codes 0 to 29, but the model draws the ids 0 to 17/],
    ['fewer codes than are drawn', 27, 18, 16, /draws the ids 0 to 17 .*but the VQGAN has the codes 0 to 15/],
  ])('%s', async (_, vocabulary, start, codes, refusal) => {
    const json = { ...tinyDalleBartJson, image_vocab_size: vocabulary, decoder_start_token_id: start };
    const vqgan = await writeVqgan(codes);
    const rest = { vqgan, steps: 1, data: { train: '/nowhere' }, schedule: { learningRate: 1e-3 } };
    const tokenizer = join(runs.shared, 'tokenizer');
    for (const begin of [{ model: json, tokenizer }, { init: await writeModel(json) }]) {
      const starting = startingPoint(parseSeq2SeqConfig({ ...rest, ...begin }), prngKey(0));
      if (refusal === null) expect((await starting).vqgan).toBe(vqgan);
      else await expect(starting).rejects.toThrow(refusal);
    }
  });
});

test('the loading of the model, and of the VQGAN that is compared with the set, is told', async () => {
  const vqgan = await writeVqgan(18);
  const set = join(runs.root, 'set');
  mkdirSync(set);
  const origin = { format: 'parquet', vqgan: 'of another one, whose print was not kept' };
  const manifest = { version: 2, origin, shards: [], codeCounts: [], shardCount: 0, complete: true };
  writeFileSync(join(set, 'manifest.json'), JSON.stringify(manifest));
  const init = await writeModel({ ...tinyDalleBartJson, image_vocab_size: 18 });
  const json = { init, vqgan, steps: 1, data: { train: set }, schedule: { learningRate: 1e-3 } };
  const told: LoadingEvent[] = [];
  const starting = startingPoint(parseSeq2SeqConfig(json), prngKey(0), (event) => told.push(event));
  await expect(starting).rejects.toThrow('encoded with another VQGAN');
  const ofVqgan = told.length;
  expect(told.map(({ done }) => done)).toEqual(told.map((_, i) => i + 1));
  expect(told.at(-1)).toEqual({ kind: 'loading', model: 'the VQGAN', done: ofVqgan, total: ofVqgan });
  rmSync(set, { recursive: true });
  const start = await startingPoint(parseSeq2SeqConfig(json), prngKey(0), (event) => told.push(event));
  expect(told).toHaveLength(ofVqgan); // no set has a manifest to compare with
  const model = await start.build();
  expect(told.at(-1)).toMatchObject({ model: 'the model', done: model.namedWeights().size });
  model.dispose();
});
