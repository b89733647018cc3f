import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { golden } from '@easel/conformance/golden';
import { goldenBart } from '@easel/conformance/kinds/bart/open-model';
import { loadWeights, WeightMismatchError } from '@easel/core';
import { openCheckpoint } from '@easel/core/node';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { fromFloat32, toFloat32 } from 'safetensors-ts';
import { parseDalleBartConfig } from './config.js';
import { DalleBart } from './model.js';
import { bartNaming, bartRulesForSource } from './weights.js';

jest.setTimeout(300_000); // a busy machine

let folder: string;
beforeAll(async () => {
  await tf.setBackend('cpu');
  folder = mkdtempSync(join(tmpdir(), 'easel-weights-'));
  for (const file of ['encoder.pt', 'decoder.pt'])
    copyFileSync(golden(`../torch/${file}`), join(folder, file));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** float32 rounded to float16 and back. */
function rounded(values: Float32Array): Float32Array {
  const bits = fromFloat32(values, 'F16');
  return toFloat32({ dtype: 'F16', shape: [values.length], bytes: new Uint8Array(bits.buffer) });
}

describe("min-dalle's encoder.pt and decoder.pt", () => {
  // The files are normformer_noscan under min-dalle's names, as float16:
  // reference/make-torch-models.py.
  test('give the weights that the Flax file gives, rounded to float16', async () => {
    const expected = (await goldenBart('bart/normformer_noscan')) as DalleBart;
    const source = await openCheckpoint(folder);
    expect(bartNaming(source)).toBe('min-dalle');
    const model = new DalleBart(expected.config);
    await loadWeights(model.namedWeights(), source, bartRulesForSource(expected.config, source));
    for (const [name, weight] of model.namedWeights()) {
      const values = expected.namedWeights().get(name)?.dataSync() as Float32Array;
      expect([name, weight.dataSync()]).toEqual([name, rounded(values)]);
    }
    await source.close();
    model.dispose();
    expected.dispose();
  });

  test('of a variant that min-dalle does not know: every weight is named', async () => {
    const json = JSON.parse(readFileSync(golden('bart/normformer_noscan/config.json'), 'utf8'));
    const config = parseDalleBartConfig({ ...json, use_glu: false });
    const source = await openCheckpoint(folder);
    const model = new DalleBart(config);
    const loading = loadWeights(model.namedWeights(), source, bartRulesForSource(config, source));
    const error = await loading.catch((reason: unknown) => reason as WeightMismatchError);
    expect(error).toBeInstanceOf(WeightMismatchError);
    expect((error as WeightMismatchError).missing).toContain(
      'encoder.layers.0.ffn.up.kernel (no rule says where it is)',
    );
    expect((error as WeightMismatchError).unexpected).toContain('encoder.layers.0.glu.fc0.weight');
    await source.close();
    model.dispose();
  });
});
