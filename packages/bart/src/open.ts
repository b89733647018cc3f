import {
  ConfigError,
  loadWeights,
  type ModelFiles,
  type ModelSource,
  modelFiles,
  type OpenOptions,
  openWeights,
} from '@easel/core';
import { openTokenizerFiles, readJson, requireJson } from '@easel/core/internals';
import type { DalleBartConfig } from './config.js';
import type { FirstVersionConfig } from './first-version/config.js';
import type { FirstVersionBart } from './first-version/model.js';
import type { DalleBart } from './model.js';
import { isFirstVersion, type ModelPlan, planModel } from './model-config.js';
import { parseWordFrequencies } from './normalizer/hashtags.js';
import { TextNormalizer } from './normalizer/text-normalizer.js';
import { Processor } from './processor.js';
import { BpeTokenizer } from './tokenizer/bpe-tokenizer.js';
import { type BartNaming, bartMatrixAxis, bartNaming } from './weights.js';

/** A text model in memory, with the tokenizer and processor of its prompts. */
export interface TextModel {
  readonly model: DalleBart | FirstVersionBart;
  readonly config: DalleBartConfig | FirstVersionConfig;
  readonly processor: Processor;
  readonly tokenizer: BpeTokenizer;
  /** Whose names the weights have in the files: Easel's own, or those of an original program. */
  readonly naming: BartNaming;
  /** Frees the weights. */
  dispose(): void;
}

/** File of the original's word list for hashtags. A model's files need not have it. */
export const WORD_LIST = 'enwiki-words-frequency.txt';

/** File with the settings of a first version's decoder that was not built from BART's defaults. */
export const DECODER_CONFIG = 'decoder_config.json';

/**
 * Opens a text model of either version: config.json, a tokenizer (vocab.json and merges.txt, or
 * tokenizer.json), weights (model.safetensors, whole or in shards, flax_model.msgpack, or
 * min-dalle's encoder.pt and decoder.pt), and, if it is there, a list of words for hashtags.
 *
 * Throws ConfigError or CheckpointError that names the file: missing, malformed, or not fitting the
 * others.
 */
export async function openDalleBart(source: ModelSource, options: OpenOptions = {}): Promise<TextModel> {
  const files = modelFiles(source);
  const plan = await openModelConfig(files);
  const { config } = plan;
  const tokenizer = await openTokenizer(files);
  if (idsOfText(tokenizer) > config.encoderVocabSize) {
    throw new ConfigError(
      `${files.description}: the tokenizer has ${tokenizer.size} ids, but encoder_vocab_size in config.json is ${config.encoderVocabSize}. Do they belong to one model?`,
    );
  }
  const normalizer = config.normalizeText ? await openNormalizer(files) : undefined;
  const processor = new Processor({ tokenizer, normalizer, maxTextLength: config.maxTextLength });

  const weights = await openWeights(files);
  try {
    const model = plan.build();
    try {
      await loadWeights(model.namedWeights(), weights, plan.rules(weights), {
        ...options,
        axisOf: bartMatrixAxis,
      });
    } catch (error) {
      model.dispose();
      throw error;
    }
    const naming = bartNaming(weights);
    return { model, config, processor, tokenizer, naming, dispose: () => void model.dispose() };
  } finally {
    await weights.close();
  }
}

/**
 * Opens the tokenizer among a model's files, in Hugging Face form. Throws ConfigError that names
 * place and file.
 */
export function openTokenizer(source: ModelSource): Promise<BpeTokenizer> {
  return openTokenizerFiles(source, BpeTokenizer.fromFiles);
}

/**
 * Reads a model's config, without its weights. Throws ConfigError if it is missing or malformed.
 */
export async function openModelConfig(source: ModelSource): Promise<ModelPlan> {
  const files = modelFiles(source);
  const json = await requireJson(
    files,
    'config.json',
    `A model folder has config.json, a tokenizer and weights; is ${files.description} one?`,
  );
  const decoder = isFirstVersion(json) ? await readJson(files, DECODER_CONFIG) : undefined;
  return planModel(json, files.nameOf('config.json'), decoder);
}

/**
 * Returns how many ids the model must have embeddings for. BART's vocabulary ends with <mask>. The
 * summarizer from which the first version and the second version's text vocabulary come has no
 * embedding for it, so it does not count. A prompt that spells <mask> out is refused when it is
 * drawn.
 */
function idsOfText(tokenizer: BpeTokenizer): number {
  const last = tokenizer.size - 1;
  return tokenizer.vocab.get(tokenizer.specials.mask?.content ?? '') === last ? last : tokenizer.size;
}

async function openNormalizer(files: ModelFiles): Promise<TextNormalizer> {
  const words = await files.text(WORD_LIST);
  return new TextNormalizer(words === undefined ? {} : { wordFrequencies: parseWordFrequencies(words) });
}
