import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, EaselError, loadWeights } from '@easel/core';
import {
  asWriteError,
  type HeldTensors,
  openCheckpoint,
  saveSafetensors,
  writeFileAtomic,
} from '@easel/core/node';
import type { Tensor } from '@tensorflow/tfjs';
import { parseVqganConfig, type VqganConfig, vqganConfigToJson } from './config.js';
import { Vqgan, type VqganOptions } from './model.js';
import { isEncoderWeight, vqganReading } from './weights.js';

export { loadDiscriminator } from './adversarial/load-discriminator.js';
export { type LpipsReading, lpipsReading, openLpips, openTogether } from './adversarial/open-lpips.js';

/** How weights are stored. */
export type WeightDtype = 'F32' | 'F16' | 'BF16';

/**
 * Opens a VQGAN folder: config.json and weights in model.safetensors (whole or in shards), flax_model.msgpack or a file of PyTorch's; under
 * Easel's, Flax's, taming's or min-dalle's names. A folder without the encoder's weights gives a model that only decodes, as does `decoderOnly`, which
 * leaves the encoder unread.
 *
 * Throws ConfigError or CheckpointError that names the file: missing, malformed, or not fitting the other. The caller disposes the model.
 */
export async function openVqgan(folder: string, options: VqganOptions = {}): Promise<Vqgan> {
  const config = await openConfig(join(folder, 'config.json'));
  const source = await openCheckpoint(folder);
  try {
    const reading = vqganReading(source.entries.keys());
    const decoderOnly = options.decoderOnly ?? !reading.canEncode;
    const model = new Vqgan(config, { decoderOnly });
    try {
      const ignore = (name: string): boolean =>
        reading.ignore(name) || (decoderOnly && reading.forEncoding(name));
      await loadWeights(model.namedWeights(), source, reading.rules(model.namedWeights().keys()), { ignore });
    } catch (error) {
      model.dispose();
      throw error;
    }
    return model;
  } finally {
    await source.close();
  }
}

/** What `saveVqgan` writes. */
export interface SaveVqganOptions extends VqganOptions {
  /** In place of the model's present weights. */
  readonly weights?: ReadonlyMap<string, Tensor> | HeldTensors | undefined;
}

/**
 * Writes a folder that openVqgan opens: config.json, and model.safetensors under our names. Each file is written completely or not at
 * all. With `decoderOnly` only what drawing needs is written. Throws EaselError for an unwritable folder or a full disk.
 */
export async function saveVqgan(
  folder: string,
  vqgan: Vqgan,
  dtype: WeightDtype = 'F32',
  { decoderOnly = false, weights = writtenWeights(vqgan, decoderOnly) }: SaveVqganOptions = {},
): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw asWriteError(error, folder);
  }
  const config = `${JSON.stringify(vqganConfigToJson(vqgan.config), null, 2)}\n`;
  await writeFileAtomic(join(folder, 'config.json'), config);
  await saveSafetensors(join(folder, 'model.safetensors'), weights, {
    dtype,
    metadata: { format: 'easel', model: 'vqgan' },
  });
}

function writtenWeights(vqgan: Vqgan, decoderOnly: boolean): Map<string, Tensor> {
  return new Map([...vqgan.namedWeights()].filter(([name]) => !(decoderOnly && isEncoderWeight(name))));
}

async function openConfig(file: string): Promise<VqganConfig> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigError(
      `${file}: can't be read (${code}). A VQGAN folder has config.json and model.safetensors or flax_model.msgpack; is this one?`,
      { cause: error },
    );
  }
  try {
    return parseVqganConfig(JSON.parse(text), file);
  } catch (error) {
    if (error instanceof EaselError) throw error;
    throw new ConfigError(`${file}: not JSON (${(error as Error).message}). Is the file complete?`, {
      cause: error,
    });
  }
}
