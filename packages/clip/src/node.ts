import { join } from 'node:path';
import type { ModelSource, OpenOptions } from '@easel/core';
import { makeFolder, writeFileAtomic, writeJson } from '@easel/core/internals/node';
import { modelFiles, type SaveModelOptions, saveSafetensors } from '@easel/core/node';
import { clipConfigToJson } from './config.js';
import { imageProcessorToJson } from './image-processor.js';
import * as anywhere from './open.js';
import type { ClipParts } from './scorer.js';
import { type ClipTokenizer, clipTokenizerFiles } from './tokenizer.js';

/** Does what `openClip` of the main entry does, and also takes the path of a folder on disk. */
export function openClip(source: ModelSource, options: OpenOptions = {}): Promise<anywhere.OpenedClip> {
  return anywhere.openClip(modelFiles(source), options);
}

/**
 * Does what `openClipTokenizer` of the main entry does, and also takes the path of a folder on
 * disk.
 */
export function openClipTokenizer(source: ModelSource): Promise<ClipTokenizer> {
  return anywhere.openClipTokenizer(modelFiles(source));
}

/**
 * Writes a folder that openClip opens: config.json, the tokenizer's files,
 * preprocessor_config.json, and model.safetensors under our names. Each file is written completely
 * or not at all. Throws EaselError for an unwritable folder or a full disk.
 */
export async function saveClip(
  folder: string,
  { clip, tokenizer, imageProcessor }: ClipParts,
  { dtype = 'F32', weights = clip.namedWeights() }: SaveModelOptions = {},
): Promise<void> {
  await makeFolder(folder);
  await writeJson(join(folder, 'config.json'), clipConfigToJson(clip.config));
  await writeJson(join(folder, anywhere.PROCESSOR_FILE), imageProcessorToJson(imageProcessor));
  for (const [name, text] of clipTokenizerFiles(tokenizer)) await writeFileAtomic(join(folder, name), text);
  await saveSafetensors(join(folder, 'model.safetensors'), weights, {
    dtype,
    metadata: { format: 'easel', model: 'clip' },
  });
}
