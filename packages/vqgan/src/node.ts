import { join } from 'node:path';
import type { ModelSource, OpenOptions } from '@easel/core';
import { makeFolder, writeJson } from '@easel/core/internals/node';
import { modelFiles, type SaveModelOptions, saveSafetensors } from '@easel/core/node';
import type { Tensor } from '@tensorflow/tfjs';
import { vqganConfigToJson } from './config.js';
import type { Vqgan, VqganOptions } from './model.js';
import * as anywhere from './open.js';
import { isEncoderWeight } from './weights.js';

// Opening LPIPS, a distance between pictures, from a file.

export { openLpips } from './adversarial/open-lpips.js';

/** Does what `openVqgan` of the main entry does, and also takes the path of a folder on disk. */
export function openVqgan(source: ModelSource, options: VqganOptions & OpenOptions = {}): Promise<Vqgan> {
  return anywhere.openVqgan(modelFiles(source), options);
}

/**
 * Writes a folder that openVqgan opens: config.json, and model.safetensors under our names. Each
 * file is written completely or not at all. With `decoderOnly` only the weights that drawing needs
 * are written. Throws EaselError for an unwritable folder or a full disk.
 */
export async function saveVqgan(
  folder: string,
  vqgan: Vqgan,
  {
    dtype = 'F32',
    decoderOnly = false,
    weights = writtenWeights(vqgan, decoderOnly),
  }: SaveModelOptions & VqganOptions = {},
): Promise<void> {
  await makeFolder(folder);
  await writeJson(join(folder, 'config.json'), vqganConfigToJson(vqgan.config));
  await saveSafetensors(join(folder, 'model.safetensors'), weights, {
    dtype,
    metadata: { format: 'easel', model: 'vqgan' },
  });
}

function writtenWeights(vqgan: Vqgan, decoderOnly: boolean): Map<string, Tensor> {
  return new Map([...vqgan.namedWeights()].filter(([name]) => !(decoderOnly && isEncoderWeight(name))));
}
