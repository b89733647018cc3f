import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { saveSafetensors } from '@easel/core/node';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { FAST_BACKEND } from '../../testing/backends.js';
import { Lpips } from '../lpips.js';
import { openLpips } from './open-lpips.js';
import { type LpipsNaming, lpipsRules } from './weights.js';

let folder = '';
const widths = [2, 3, 5, 7, 4];
const model = new Lpips(widths);

beforeAll(async () => {
  await tf.setBackend(FAST_BACKEND);
  folder = await mkdtemp(join(tmpdir(), 'easel-lpips-'));
  for (const variable of model.namedWeights().values())
    tf.tidy(() => variable.assign(tf.randomNormal(variable.shape)));
});
afterAll(() => rm(folder, { recursive: true }));

/** Writes weights as another program names and lays them out; `part` chooses some. */
async function write(file: string, naming: LpipsNaming, part = (_name: string) => true): Promise<string> {
  const path = join(folder, file);
  const tensors = new Map<string, tf.Tensor>();
  const weights = model.namedWeights();
  for (const [name, { source, transpose }] of lpipsRules(weights.keys(), naming)) {
    if (!part(name)) continue;
    const ours = weights.get(name) as tf.Variable;
    tensors.set(
      source,
      transpose === undefined
        ? tf.clone(ours)
        : tf.transpose(
            ours,
            transpose.map((_, axis) => transpose.indexOf(axis)),
          ),
    );
  }
  tensors.set('classifier.0.weight', tf.zeros([2, 2]));
  await saveSafetensors(path, tensors as unknown as Map<string, tf.Variable>, { dtype: 'F32' });
  tf.dispose([...tensors.values()]);
  return path;
}

async function expectSame(files: string[]): Promise<void> {
  const opened = await openLpips(files);
  for (const [name, variable] of model.namedWeights()) {
    expect([...(opened.namedWeights().get(name) as tf.Variable).dataSync()]).toEqual([
      ...variable.dataSync(),
    ]);
  }
  opened.dispose();
}

test('own names, taming’s, and torchvision’s VGG16 beside taming’s linear weights', async () => {
  await expectSame([await write('own.safetensors', 'easel')]);
  await expectSame([await write('taming.safetensors', 'taming')]);
  const isLinear = (name: string) => name.startsWith('lin');
  const linear = await write('lin.safetensors', 'torchvision', isLinear);
  const vgg = await write('vgg16.safetensors', 'torchvision', (name) => !isLinear(name));
  await expectSame([linear, vgg]);
  await expectSame([vgg, linear]);
});

test('what is missing is named', async () => {
  const linear = await write('alone.safetensors', 'torchvision', (name) => name.startsWith('lin'));
  await expect(openLpips([linear])).rejects.toThrow(/convolutions of VGG16.*found .*lin0.model.1.weight/);
  const vgg = await write('vgg.safetensors', 'torchvision', (name) => name.startsWith('conv'));
  await expect(openLpips([vgg])).rejects.toThrow(/missing from the checkpoint \(5\): lin0.kernel/);
  await expect(openLpips([])).rejects.toThrow(/at least one file/);
});
