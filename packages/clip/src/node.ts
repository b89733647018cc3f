import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, EaselError, loadWeights } from '@easel/core';
import {
  asWriteError,
  openCheckpoint,
  parseJson,
  readTextIfThere,
  readTokenizerFiles,
  saveSafetensors,
  writeFileAtomic,
} from '@easel/core/node';
import { clipConfigToJson, parseClipConfig } from './config.js';
import { defaultImageProcessor, imageProcessorToJson, parseImageProcessor } from './image-processor.js';
import { Clip } from './model.js';
import { type ClipParts, ClipScorer } from './scorer.js';
import { ClipTokenizer, clipTokenizerFiles } from './tokenizer.js';
import { clipReading } from './weights.js';

/** A CLIP folder, ready to score. */
export interface OpenedClip extends ClipParts {
  readonly scorer: ClipScorer;
  /** Frees the weights. */
  dispose(): void;
}

/** How weights are stored. */
export type WeightDtype = 'F32' | 'F16' | 'BF16';

const PROCESSOR_FILE = 'preprocessor_config.json';

/**
 * Opens a CLIP folder as transformers and Easel write it: config.json, a tokenizer (vocab.json and merges.txt, or tokenizer.json), weights
 * (model.safetensors, flax_model.msgpack or pytorch_model.bin), and preprocessor_config.json; without that, pictures are prepared as OpenAI's.
 *
 * Throws ConfigError or CheckpointError that names the file: missing, malformed, or not fitting the others.
 */
export async function openClip(folder: string): Promise<OpenedClip> {
  const configFile = join(folder, 'config.json');
  const configText = await readTextIfThere(configFile);
  if (configText === undefined) {
    throw new ConfigError(
      `${configFile}: there is no such file. A CLIP folder has config.json, a tokenizer and weights, as openai/clip-vit-base-patch32 has; is ${folder} one?`,
    );
  }
  const config = parseClipConfig(parseJson(configText, configFile), configFile);
  const tokenizer = await openClipTokenizer(folder);
  const processorFile = join(folder, PROCESSOR_FILE);
  const processorText = await readTextIfThere(processorFile);
  const imageProcessor =
    processorText === undefined
      ? defaultImageProcessor(config.image.imageSize)
      : parseImageProcessor(parseJson(processorText, processorFile), processorFile);

  const source = await openCheckpoint(folder);
  try {
    const clip = new Clip(config);
    try {
      const scorer = new ClipScorer({ clip, tokenizer, imageProcessor }, folder);
      const reading = clipReading(source.entries.keys());
      const weights = clip.namedWeights();
      await loadWeights(weights, source, reading.rules(weights.keys()), { ignore: reading.ignore });
      return { clip, tokenizer, imageProcessor, scorer, dispose: () => void clip.dispose() };
    } catch (error) {
      clip.dispose();
      throw error;
    }
  } finally {
    await source.close();
  }
}

/**
 * Writes a folder that openClip opens: config.json, the tokenizer's files, preprocessor_config.json, and model.safetensors under our names. Each
 * file is written completely or not at all. Throws EaselError for an unwritable folder or a full disk.
 */
export async function saveClip(
  folder: string,
  { clip, tokenizer, imageProcessor }: ClipParts,
  dtype: WeightDtype = 'F32',
): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw asWriteError(error, folder);
  }
  const writeJson = (name: string, json: unknown): Promise<void> =>
    writeFileAtomic(join(folder, name), `${JSON.stringify(json, null, 2)}\n`);
  await writeJson('config.json', clipConfigToJson(clip.config));
  await writeJson(PROCESSOR_FILE, imageProcessorToJson(imageProcessor));
  for (const [name, text] of clipTokenizerFiles(tokenizer)) await writeFileAtomic(join(folder, name), text);
  await saveSafetensors(join(folder, 'model.safetensors'), clip.namedWeights(), {
    dtype,
    metadata: { format: 'easel', model: 'clip' },
  });
}

/** The tokenizer of a folder in Hugging Face form. Throws ConfigError that names folder and file. */
export async function openClipTokenizer(folder: string): Promise<ClipTokenizer> {
  const files = await readTokenizerFiles(folder);
  try {
    return ClipTokenizer.fromFiles(files);
  } catch (error) {
    if (!(error instanceof EaselError)) throw error;
    throw new ConfigError(`${folder}: ${error.message}`, { cause: error });
  }
}
