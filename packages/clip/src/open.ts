import {
  loadWeights,
  type ModelFiles,
  type ModelSource,
  modelFiles,
  type OpenOptions,
  openWeights,
} from '@easel/core';
import { openTokenizerFiles, readJson, requireJson } from '@easel/core/internals';
import { type ClipConfig, parseClipConfig } from './config.js';
import { defaultImageProcessor, type ImageProcessorConfig, parseImageProcessor } from './image-processor.js';
import { Clip } from './model.js';
import { type ClipParts, ClipScorer } from './scorer.js';
import { ClipTokenizer } from './tokenizer.js';
import { clipReading } from './weights.js';

/** A CLIP in memory, ready to score. */
export interface OpenedClip extends ClipParts {
  readonly config: ClipConfig;
  readonly scorer: ClipScorer;
  /** Frees the weights. */
  dispose(): void;
}

/** File that says how pictures are prepared. A model's files need not have it. */
export const PROCESSOR_FILE = 'preprocessor_config.json';

/**
 * Opens a CLIP in the form that transformers and Easel write: config.json, a tokenizer (vocab.json
 * and merges.txt, or tokenizer.json), weights (model.safetensors, flax_model.msgpack or
 * pytorch_model.bin), and preprocessor_config.json. Without that file, pictures are prepared as for
 * OpenAI's models.
 *
 * Throws ConfigError or CheckpointError that names the file: missing, malformed, or not fitting the
 * others.
 */
export async function openClip(source: ModelSource, options: OpenOptions = {}): Promise<OpenedClip> {
  const files = modelFiles(source);
  const config = await openConfig(files);
  const tokenizer = await openClipTokenizer(files);
  const imageProcessor = await openImageProcessor(files, config);

  const weights = await openWeights(files);
  try {
    const clip = new Clip(config);
    try {
      const scorer = new ClipScorer({ clip, tokenizer, imageProcessor }, files.description);
      const reading = clipReading(weights.entries.keys());
      const named = clip.namedWeights();
      await loadWeights(named, weights, reading.rules(named.keys()), { ...options, ignore: reading.ignore });
      return { clip, config, tokenizer, imageProcessor, scorer, dispose: () => void clip.dispose() };
    } catch (error) {
      clip.dispose();
      throw error;
    }
  } finally {
    await weights.close();
  }
}

/**
 * Opens the tokenizer among a model's files, in Hugging Face form. Throws ConfigError that names
 * place and file.
 */
export function openClipTokenizer(source: ModelSource): Promise<ClipTokenizer> {
  return openTokenizerFiles(source, ClipTokenizer.fromFiles);
}

async function openConfig(files: ModelFiles): Promise<ClipConfig> {
  const hint = `A CLIP folder has config.json, a tokenizer and weights, as openai/clip-vit-base-patch32 has; is ${files.description} one?`;
  return parseClipConfig(await requireJson(files, 'config.json', hint), files.nameOf('config.json'));
}

async function openImageProcessor(files: ModelFiles, { image }: ClipConfig): Promise<ImageProcessorConfig> {
  const json = await readJson(files, PROCESSOR_FILE);
  if (json === undefined) return defaultImageProcessor(image.imageSize);
  return parseImageProcessor(json, files.nameOf(PROCESSOR_FILE));
}
