import {
  loadWeights,
  type ModelFiles,
  type ModelSource,
  modelFiles,
  type OpenOptions,
  openWeights,
} from '@easel/core';
import { requireJson } from '@easel/core/internals';
import { parseVqganConfig, type VqganConfig } from './config.js';
import { Vqgan, type VqganOptions } from './model.js';
import { vqganReading } from './weights.js';

/**
 * Opens a VQGAN: config.json, and weights in model.safetensors (whole or in shards),
 * flax_model.msgpack or a file of PyTorch's. The weights may have Easel's, Flax's, taming's or
 * min-dalle's names. Files without the encoder's weights give a model that only decodes.
 * `decoderOnly` gives such a model from any files, without reading the encoder.
 *
 * Throws ConfigError or CheckpointError, naming the file, if one is missing or malformed or the two
 * don't fit. The caller disposes the model.
 */
export async function openVqgan(
  source: ModelSource,
  { decoderOnly, ...options }: VqganOptions & OpenOptions = {},
): Promise<Vqgan> {
  const files = modelFiles(source);
  const config = await openConfig(files);
  const weights = await openWeights(files);
  try {
    const reading = vqganReading(weights.entries.keys());
    const isHalf = decoderOnly ?? !reading.canEncode;
    const model = new Vqgan(config, { decoderOnly: isHalf });
    try {
      const named = model.namedWeights();
      const ignore = (name: string): boolean => reading.ignore(name) || (isHalf && reading.forEncoding(name));
      await loadWeights(named, weights, reading.rules(named.keys()), { ...options, ignore });
    } catch (error) {
      model.dispose();
      throw error;
    }
    return model;
  } finally {
    await weights.close();
  }
}

async function openConfig(files: ModelFiles): Promise<VqganConfig> {
  const hint = `A VQGAN folder has config.json and model.safetensors or flax_model.msgpack; is ${files.description} one?`;
  return parseVqganConfig(await requireJson(files, 'config.json', hint), files.nameOf('config.json'));
}
