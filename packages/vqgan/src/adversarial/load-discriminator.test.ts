import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prngKey } from '@easel/core';
import { saveSafetensors } from '@easel/core/node';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { FAST_BACKEND } from '../../testing/backends.js';
import { initializeDiscriminator, PatchDiscriminator } from './discriminator.js';
import { loadDiscriminator } from './load-discriminator.js';
import { discriminatorRules } from './weights.js';

let folder = '';
beforeAll(async () => {
  await tf.setBackend(FAST_BACKEND);
  folder = await mkdtemp(join(tmpdir(), 'easel-discriminator-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** As taming names and lays out weights, among others of its checkpoint. */
async function writeAsTaming(model: PatchDiscriminator, prefix: string): Promise<string> {
  const weights = model.namedWeights();
  const tensors = new Map<string, tf.Tensor>();
  for (const [name, { source, transpose }] of discriminatorRules(weights.keys(), prefix)) {
    const ours = weights.get(name) as tf.Variable;
    const back = transpose?.map((_, axis) => transpose.indexOf(axis));
    tensors.set(source, back === undefined ? tf.clone(ours) : tf.transpose(ours, back));
  }
  tensors.set(`${prefix}main.3.num_batches_tracked`, tf.scalar(7));
  if (prefix !== '') tensors.set('state_dict.encoder.conv_in.weight', tf.zeros([2]));
  const file = join(folder, `${prefix}weights.safetensors`);
  await saveSafetensors(file, tensors as unknown as Map<string, tf.Variable>, { dtype: 'F32' });
  tf.dispose([...tensors.values()]);
  return file;
}

test.each(['', 'loss.discriminator.', 'state_dict.loss.discriminator.'])(
  'taming’s names under "%s", statistics included',
  async (prefix) => {
    const [model, opened] = [1, 2].map((seed) => {
      const fresh = new PatchDiscriminator({ width: 3, layers: 2 });
      initializeDiscriminator(fresh, prngKey(seed));
      return fresh;
    }) as [PatchDiscriminator, PatchDiscriminator];
    tf.tidy(() => void model.judge(tf.randomUniform([2, 16, 16, 3], 0, 1, 'float32', 3), true));
    await loadDiscriminator(opened, await writeAsTaming(model, prefix));
    for (const [name, weight] of opened.namedWeights())
      expect([...weight.dataSync()]).toEqual([...(model.namedWeights().get(name) as tf.Variable).dataSync()]);
    model.dispose();
    opened.dispose();
  },
);
