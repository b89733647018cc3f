import { join } from 'node:path';
import type { ModelSource, OpenOptions } from '@easel/core';
import { makeFolder, writeFileAtomic, writeJson } from '@easel/core/internals/node';
import { modelFiles, type SaveModelOptions, saveSafetensors } from '@easel/core/node';
import { dalleBartConfigToJson } from './config.js';
import { firstVersionConfigToJson } from './first-version/config.js';
import { FirstVersionBart } from './first-version/model.js';
import type { ModelPlan } from './model-config.js';
import * as anywhere from './open.js';
import type { BpeTokenizer } from './tokenizer/bpe-tokenizer.js';
import { tokenizerFiles } from './tokenizer/files.js';

/**
 * Does what `openDalleBart` of the main entry does, and also takes the path of a folder on disk.
 */
export function openDalleBart(source: ModelSource, options: OpenOptions = {}): Promise<anywhere.TextModel> {
  return anywhere.openDalleBart(modelFiles(source), options);
}

/**
 * Does what `openTokenizer` of the main entry does, and also takes the path of a folder on disk.
 */
export function openTokenizer(source: ModelSource): Promise<BpeTokenizer> {
  return anywhere.openTokenizer(modelFiles(source));
}

/**
 * Does what `openModelConfig` of the main entry does, and also takes the path of a folder on disk.
 */
export function openModelConfig(source: ModelSource): Promise<ModelPlan> {
  return anywhere.openModelConfig(modelFiles(source));
}

/**
 * Writes a model folder that openDalleBart opens: config.json, the tokenizer's files, and
 * model.safetensors under our names. Each file is written completely or not at all. Throws
 * EaselError for an unwritable folder or a full disk.
 */
export async function saveDalleBart(
  folder: string,
  { model, tokenizer }: Pick<anywhere.TextModel, 'model' | 'tokenizer'>,
  { dtype = 'F32', weights = model.namedWeights() }: SaveModelOptions = {},
): Promise<void> {
  await saveTokenizer(folder, tokenizer);
  if (model instanceof FirstVersionBart) {
    const { config, decoder } = firstVersionConfigToJson(model.config);
    await writeJson(join(folder, 'config.json'), config);
    await writeJson(join(folder, anywhere.DECODER_CONFIG), decoder);
  } else {
    await writeJson(join(folder, 'config.json'), dalleBartConfigToJson(model.config));
  }
  await saveSafetensors(join(folder, 'model.safetensors'), weights, {
    dtype,
    metadata: { format: 'easel', model: model instanceof FirstVersionBart ? 'first-version' : 'dallebart' },
  });
}

/**
 * Writes vocab.json, merges.txt, special_tokens_map.json and tokenizer_config.json. Throws
 * EaselError if it cannot.
 */
export async function saveTokenizer(folder: string, tokenizer: BpeTokenizer): Promise<void> {
  await makeFolder(folder);
  for (const [name, text] of tokenizerFiles(tokenizer)) await writeFileAtomic(join(folder, name), text);
}
