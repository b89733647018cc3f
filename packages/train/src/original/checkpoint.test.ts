import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DalleBart, initializeDalleBart, parseDalleBartConfig } from '@easel/bart';
import { golden } from '@easel/conformance/golden';
import { Adafactor, CheckpointError, prngKey } from '@easel/core';
import { afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { startTestBackend } from '../../testing/backend.js';
import { readMetrics } from '../../testing/runs.js';
import { tinyDalleBartJson } from '../../testing/tiny-models.js';
import { parseSeq2SeqConfig } from '../config/seq2seq-config.js';
import { writeShard } from '../encoded/shards.js';
import { readCheckpointPart } from '../run/checkpoint-store.js';
import { trainSeq2Seq } from '../seq2seq/train-seq2seq.js';
import { readOriginalState, type StateSubject, writeOriginalState } from './optimizer-state.js';

jest.setTimeout(300_000);

let root: string;
beforeAll(startTestBackend);
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'easel-original-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

/**
 * A folder as the original's trainer leaves it after three updates of Adam, and a set for its
 * model.
 */
async function originalFolder(): Promise<{ model: string; set: string }> {
  const model = join(root, 'original');
  cpSync(golden('train/tokenizer'), model, { recursive: true });
  cpSync(golden('train/model_scanned/config.json'), join(model, 'config.json'));
  for (const name of ['flax_model.msgpack', 'opt_state.msgpack'])
    cpSync(golden(`train/resume/${name}`), join(model, name));
  const { image_length: length, image_vocab_size: codes } = JSON.parse(
    readFileSync(join(model, 'config.json'), 'utf8'),
  ) as Record<string, number>;
  const set = join(root, 'set');
  mkdirSync(set);
  const rows = Array.from({ length: 8 }, (_, i) => ({
    caption: `a${i}`,
    encoding: Array.from({ length: length as number }, (_, t) => (i + t) % (codes as number)),
    source: `${i}`,
  }));
  await writeShard(join(set, 'a.jsonl'), rows);
  return { model, set };
}

const train = (out: string, settings: Record<string, unknown>) =>
  trainSeq2Seq(
    parseSeq2SeqConfig({
      batchSize: 4,
      schedule: { learningRate: 0.01, warmupSteps: 4 },
      log: { every: 1 },
      ...settings,
    }),
    { out: join(root, out) },
  );
const rates = (run: string) =>
  readMetrics(join(root, run))
    .filter((line) => line.kind === 'train')
    .map((line) => line.learningRate);
const optimizerOf = (checkpoint: string) => readCheckpointPart(checkpoint, 'optimizer');

describe('a run moves', () => {
  test('from the original to Easel and on: the optimizer counts its updates from the first', async () => {
    const before = tf.memory().numTensors;
    const { model, set } = await originalFolder();
    const data = { train: set };
    const second = await train('second', {
      init: model,
      restoreState: true,
      exportOriginal: true,
      steps: 2,
      data,
    });
    // Three updates were made, with rates 0, 2e-3, 4e-3; warm-up goes on from there.
    expect(rates('second').map((rate) => Number(rate.toFixed(9)))).toEqual([0.006, 0.008]);
    expect((await optimizerOf(second.checkpoint)).get('step')?.data[0]).toBe(5);

    // What this run leaves, in the original's form, is what the next one takes over.
    rmSync(join(second.model, 'model.safetensors'));
    const third = await train('third', { init: second.model, restoreState: true, steps: 1, data });
    const state = await optimizerOf(third.checkpoint);
    expect(state.get('step')?.data[0]).toBe(6);
    expect(rates('third').map((rate) => Number(rate.toFixed(9)))).toEqual([0.01]);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('without restoreState the optimizer begins anew', async () => {
    const { model, set } = await originalFolder();
    const result = await train('run', { init: model, steps: 1, data: { train: set } });
    expect(rates('run')).toEqual([0]);
    expect((await optimizerOf(result.checkpoint)).get('step')?.data[0]).toBe(1);
  });

  test("refused: another optimizer's state, or none", async () => {
    const before = tf.memory().numTensors;
    const { model, set } = await originalFolder();
    const settings = { init: model, restoreState: true, steps: 1, data: { train: set } };
    const failure = train('run', { ...settings, optimizer: { name: 'adafactor' } });
    await expect(failure).rejects.toThrow(CheckpointError);
    await expect(failure).rejects.toThrow(/v_row.* is missing.*config's optimizer/);
    rmSync(join(model, 'opt_state.msgpack'));
    await expect(train('run', settings)).rejects.toThrow(/opt_state\.msgpack: there is no such file/);
    expect(tf.memory().numTensors).toBe(before);
  });
});

test.each([
  ['stacked', true],
  ['apart', false],
])('Adafactor, factored, layers %s: written and read back', async (_, useScan) => {
  const config = parseDalleBartConfig({
    ...tinyDalleBartJson,
    use_scan: useScan,
    decoder_layers: 2,
    d_model: 128,
    decoder_ffn_dim: 131,
  });
  const model = new DalleBart(config);
  initializeDalleBart(model, prngKey(0));
  const trained = model.namedWeights();
  const optimizer = new Adafactor({ schedule: () => 0.1 });
  const subject: StateSubject = {
    model,
    trained,
    optimizer: parseSeq2SeqConfig({
      init: 'm',
      steps: 1,
      data: { train: 'd' },
      schedule: { learningRate: 1 },
      optimizer: { name: 'adafactor' },
    }).optimizer,
  };
  const path = join(root, 'opt_state.msgpack');
  await expect(writeOriginalState(path, subject, optimizer.state())).rejects.toThrow(/has no state v\./);
  // Gradients are the weights themselves: another number everywhere.
  await optimizer.apply(trained, new Map(trained));
  const state = optimizer.state();
  await writeOriginalState(path, subject, state);
  expect(state.get('v_row.decoder.layers.1.glu.gate.kernel')?.shape).toEqual([128]);
  expect(state.get('v_col.decoder.layers.1.glu.gate.kernel')?.shape).toEqual([131]);
  const back = await readOriginalState(path, subject);
  expect([...back.keys()].sort()).toEqual([...state.keys()].sort());
  for (const [name, tensor] of state) expect(await back.get(name)?.data()).toEqual(await tensor.data());
  tf.dispose([...back.values()]);
  optimizer.dispose();
  model.dispose();
});
