import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCheckpoint } from '@easel/core/node';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { fromFloat32, toFloat32 } from 'safetensors-ts';
import { goldenModel, goldenPath } from '../testing/golden-case.js';
import type { Vqgan } from './model.js';
import { openVqgan } from './node.js';
import { isEncoderWeight, vqganReading } from './weights.js';

// taming.ckpt and detoker.pt hold taming_state_dict.safetensors as float16:
// reference/make-torch-models.py.

jest.setTimeout(300_000); // a busy machine

let folder: string;
beforeAll(async () => {
  await tf.setBackend('cpu');
  folder = mkdtempSync(join(tmpdir(), 'easel-weights-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** float32 rounded to float16 and back. */
function rounded(values: Float32Array): Float32Array {
  const bits = fromFloat32(values, 'F16');
  return toFloat32({ dtype: 'F16', shape: [values.length], bytes: new Uint8Array(bits.buffer) });
}

describe.each([
  ['taming.ckpt', 'taming', true],
  ['detoker.pt', 'min-dalle', false],
] as const)('%s', (file, naming, canEncode) => {
  test('is recognised by its names', async () => {
    const source = await openCheckpoint(goldenPath(`../../torch/${file}`));
    expect(vqganReading(source.entries.keys())).toMatchObject({ naming, canEncode });
    await source.close();
  });

  test('gives the weights of the original, rounded to float16', async () => {
    const path = mkdtempSync(join(folder, 'model-'));
    copyFileSync(goldenPath(`../../torch/${file}`), join(path, file));
    copyFileSync(goldenPath('two_levels/config.json'), join(path, 'config.json'));
    const [model, expected] = [await openVqgan(path), goldenModel('two_levels')];
    expect(model.canEncode).toBe(canEncode);
    const names = [...expected.namedWeights().keys()].filter((name) => canEncode || !isEncoderWeight(name));
    expect([...model.namedWeights().keys()]).toEqual(names);
    const values = (of: Vqgan, name: string) => of.namedWeights().get(name)?.dataSync() as Float32Array;
    const same = (a: Float32Array, b: Float32Array) => a.every((value, i) => value === b[i]);
    const differing = names.filter((name) => !same(values(model, name), rounded(values(expected, name))));
    expect(differing).toEqual([]);
    model.dispose();
    expected.dispose();
  });

  test('decoderOnly leaves the encoder unread', async () => {
    const path = mkdtempSync(join(folder, 'decoder-'));
    copyFileSync(goldenPath(`../../torch/${file}`), join(path, file));
    copyFileSync(goldenPath('two_levels/config.json'), join(path, 'config.json'));
    const model = await openVqgan(path, { decoderOnly: true });
    expect(model.canEncode).toBe(false);
    model.dispose();
  });
});
