import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointError, ConfigError, EaselError, memoryFiles } from '@easel/core';
import { saveSafetensors } from '@easel/core/node';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { FAST_BACKEND } from '../testing/backends.js';
import { goldenModel, goldenPath, largestDifference, readGolden, toTensor } from '../testing/golden-case.js';
import type { Vqgan } from './model.js';
import { openVqgan, saveVqgan } from './node.js';
import { openVqgan as openAnywhere } from './open.js';
import { vqganRulesForTaming } from './weights.js';

const folder = mkdtempSync(join(tmpdir(), 'easel-vqgan-'));
const golden = readGolden('two_levels/io.safetensors');

beforeAll(async () => void (await tf.setBackend(FAST_BACKEND)));
afterAll(() => rmSync(folder, { recursive: true }));

/** A new folder with the config of two_levels and further files. */
function folderWith(name: string, files: Record<string, string>): string {
  const path = join(folder, name);
  cpSync(goldenPath('two_levels/config.json'), join(path, 'config.json'));
  for (const [to, from] of Object.entries(files)) cpSync(goldenPath(from), join(path, to));
  return path;
}

function expectGolden(model: Vqgan): void {
  const pixels = toTensor(golden.get('pixels')) as tf.Tensor4D;
  expect([...model.encode(pixels).dataSync()]).toEqual([...golden.get('indices').data]);
  expect(largestDifference(model.call(pixels).dataSync(), golden.get('decoded').data)).toBeLessThan(5e-5);
}

describe('openVqgan', () => {
  test('a folder of vqgan-jax: config.json and flax_model.msgpack', async () => {
    const path = folderWith('flax', { 'flax_model.msgpack': 'two_levels/flax_model.msgpack' });
    const model = await openVqgan(path);
    expectGolden(model);
    const byFormula = goldenModel('two_levels').namedWeights();
    for (const [name, weight] of model.namedWeights()) {
      expect([name, weight.dataSync()]).toEqual([name, byFormula.get(name)?.dataSync()]);
    }
  });

  test('the same files in memory', async () => {
    const path = folderWith('memory', { 'flax_model.msgpack': 'two_levels/flax_model.msgpack' });
    const files = readdirSync(path).map((name) => [name, readFileSync(join(path, name))] as const);
    const model = await openAnywhere(memoryFiles(new Map(files)));
    expectGolden(model);
    model.dispose();
  });

  test("taming's state_dict as safetensors, its training loss ignored", async () => {
    const path = folderWith('taming', { 'model.safetensors': 'two_levels/taming_state_dict.safetensors' });
    expectGolden(await openVqgan(path));
    const stored = readGolden('two_levels/taming_state_dict.safetensors');
    const withLoss = new Map(stored.names.map((name) => [name, toTensor(stored.get(name))]));
    withLoss.set('loss.discriminator.main.0.weight', tf.zeros([64, 3, 4, 4]));
    await saveSafetensors(join(path, 'model.safetensors'), withLoss);
    expectGolden(await openVqgan(path));
  });

  test('names of every weight in a taming checkpoint', () => {
    const names = JSON.parse(readFileSync(goldenPath('two_levels/names.json'), 'utf8')) as Record<
      string,
      { flax: string; to_flax: number[] | null }
    >;
    const rules = vqganRulesForTaming(Object.values(names).map(({ flax }) => flax.replaceAll('/', '.')));
    expect(rules.size).toBe(151);
    for (const [source, { flax, to_flax: transpose }] of Object.entries(names)) {
      expect(rules.get(flax.replaceAll('/', '.'))).toEqual(
        transpose === null ? { source } : { source, transpose },
      );
    }
  });

  test.each([
    ['no folder', () => join(folder, 'nowhere'), ConfigError, /nowhere\/config.json: there is no such file/],
    ['no weights', () => folderWith('bare', {}), CheckpointError, /bare/],
    [
      'weights of another config',
      () => {
        const path = folderWith('other', { 'flax_model.msgpack': 'two_levels/flax_model.msgpack' });
        cpSync(goldenPath('wide_groups/config.json'), join(path, 'config.json'));
        return path;
      },
      CheckpointError,
      /encoder.down_1.block_0.nin_shortcut.kernel/,
    ],
    [
      'a broken config',
      () => {
        const path = folderWith('broken', {});
        writeFileSync(join(path, 'config.json'), '{"ch": 32,');
        return path;
      },
      ConfigError,
      /broken\/config.json: not JSON/,
    ],
  ])('refuses %s, naming the file', async (_, make, type, message) => {
    const before = tf.memory().numTensors;
    await expect(openVqgan(make())).rejects.toThrow(message);
    await expect(openVqgan(make())).rejects.toBeInstanceOf(type);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('saveVqgan', () => {
  test('float32: the same weights come back', async () => {
    const model = goldenModel('two_levels');
    const path = join(folder, 'whole');
    await saveVqgan(path, model);
    const opened = await openVqgan(path);
    expect(opened.config).toEqual(model.config);
    expectGolden(opened);
  });

  test('decoder only, float16: half the weights, draws, and says why it cannot encode', async () => {
    const path = join(folder, 'decoder');
    await saveVqgan(path, goldenModel('two_levels'), { dtype: 'F16', decoderOnly: true });
    const bytes = (name: string): number => statSync(join(folder, name, 'model.safetensors')).size;
    expect(bytes('decoder')).toBeLessThan(0.35 * bytes('whole'));
    const opened = await openVqgan(path);
    expect(opened.canEncode).toBe(false);
    const drawn = opened.decodeCode(toTensor(golden.get('code')) as tf.Tensor2D);
    expect(largestDifference(drawn.dataSync(), golden.get('decode_code').data)).toBeLessThan(0.02);
    expect(() => opened.encode(toTensor(golden.get('pixels')) as tf.Tensor4D)).toThrow(EaselError);
    expect(() => opened.encode(toTensor(golden.get('pixels')) as tf.Tensor4D)).toThrow(/decoder only/);
  });

  test('decoderOnly leaves the encoder of a whole folder unread', async () => {
    const opened = await openVqgan(join(folder, 'whole'), { decoderOnly: true });
    expect(opened.canEncode).toBe(false);
    expect([...opened.namedWeights().keys()].some((name) => name.startsWith('encoder.'))).toBe(false);
  });

  test('an unwritable folder is an EaselError', async () => {
    const path = join(folder, 'whole', 'config.json', 'below a file');
    await expect(saveVqgan(path, goldenModel('two_levels'))).rejects.toBeInstanceOf(EaselError);
  });
});
