import { parseVqganConfig, Vqgan } from '@easel/vqgan';
import * as tf from '@tensorflow/tfjs';
import { GoldenArrays, readJson } from '../../golden.js';
import type { GoldenFolder } from '../../kind.js';
import { flaxWeight } from '../vqgan_loss/weights.js';

/** Returns the seed of the formula that gives a folder's weights. */
export function seedOf(folder: GoldenFolder): number {
  return new GoldenArrays(folder.file('weights_check.safetensors')).setting<number>('seed') as number;
}

/** Makes the model of a folder's config.json, with weights of zero. */
export function emptyModel(folder: GoldenFolder): Vqgan {
  return new Vqgan(parseVqganConfig(readJson(folder.file('config.json')), folder.file('config.json')));
}

/** Returns the Flax path of a weight. Our names are these paths. */
export function flaxPath(name: string): string {
  return name.replaceAll('.', '/');
}

/** Runs `use` with the model of a folder and its weights, and frees the model afterwards. */
export async function withVqgan<R>(folder: GoldenFolder, use: (model: Vqgan) => R | Promise<R>): Promise<R> {
  const model = emptyModel(folder);
  try {
    const seed = seedOf(folder);
    for (const [name, variable] of model.namedWeights()) {
      const values = tf.tensor(flaxWeight(flaxPath(name), variable.shape, seed), variable.shape);
      variable.assign(values);
      values.dispose();
    }
    return await use(model);
  } finally {
    model.dispose();
  }
}
