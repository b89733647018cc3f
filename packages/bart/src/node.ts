import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, loadWeights } from '@easel/core';
import {
  asWriteError,
  type HeldTensors,
  openCheckpoint,
  parseJson,
  readTextIfThere,
  readTokenizerFiles,
  saveSafetensors,
  writeFileAtomic,
} from '@easel/core/node';
import type { Tensor } from '@tensorflow/tfjs';
import { type DalleBartConfig, dalleBartConfigToJson } from './config.js';
import { type FirstVersionConfig, firstVersionConfigToJson } from './first-version/config.js';
import { FirstVersionBart } from './first-version/model.js';
import type { DalleBart } from './model.js';
import { type ModelPlan, planModel } from './model-config.js';
import { parseWordFrequencies } from './normalizer/hashtags.js';
import { TextNormalizer } from './normalizer/text-normalizer.js';
import { Processor } from './processor.js';
import { BpeTokenizer } from './tokenizer/bpe-tokenizer.js';
import { tokenizerFiles } from './tokenizer/files.js';

/** A model folder, ready to draw. */
export interface OpenedDalleBart {
  readonly model: DalleBart | FirstVersionBart;
  readonly config: DalleBartConfig | FirstVersionConfig;
  readonly processor: Processor;
  readonly tokenizer: BpeTokenizer;
  /** Frees the weights. */
  dispose(): void;
}

/** How weights are stored. */
export type WeightDtype = 'F32' | 'F16' | 'BF16';

/** The original's list of words for hashtags; it may lie in a model folder. */
export const WORD_LIST = 'enwiki-words-frequency.txt';

/** What a first version's decoder was built from, where that is not BART's defaults. */
const DECODER_CONFIG = 'decoder_config.json';

/**
 * Opens a model folder of either version: config.json, a tokenizer (vocab.json and merges.txt, or tokenizer.json), weights (model.safetensors,
 * whole or in shards, flax_model.msgpack, or min-dalle's encoder.pt and decoder.pt), and, if it is there, a list of words for hashtags.
 *
 * Throws ConfigError or CheckpointError that names the file: missing, malformed, or not fitting the others.
 */
export async function openDalleBart(folder: string): Promise<OpenedDalleBart> {
  const plan = await openModelConfig(folder);
  const { config } = plan;
  const tokenizer = await openTokenizer(folder);
  if (idsOfText(tokenizer) > config.encoderVocabSize) {
    throw new ConfigError(
      `${folder}: the tokenizer has ${tokenizer.size} ids, but encoder_vocab_size in config.json is ${config.encoderVocabSize}. Do they belong to one model?`,
    );
  }
  const normalizer = config.normalizeText ? await openNormalizer(folder) : undefined;
  const processor = new Processor({ tokenizer, normalizer, maxTextLength: config.maxTextLength });

  const source = await openCheckpoint(folder);
  try {
    const model = plan.build();
    try {
      await loadWeights(model.namedWeights(), source, plan.rules(source));
    } catch (error) {
      model.dispose();
      throw error;
    }
    return { model, config, processor, tokenizer, dispose: () => void model.dispose() };
  } finally {
    await source.close();
  }
}

/**
 * Writes a model folder that openDalleBart opens: config.json, tokenizer files, model.safetensors under our names. Each file is
 * written completely or not at all. `weights`: others than the model's present ones. Throws EaselError for an unwritable folder or a full disk.
 */
export async function saveDalleBart(
  folder: string,
  model: DalleBart | FirstVersionBart,
  tokenizer: BpeTokenizer,
  dtype: WeightDtype = 'F32',
  weights: ReadonlyMap<string, Tensor> | HeldTensors = model.namedWeights(),
): Promise<void> {
  await saveTokenizer(folder, tokenizer);
  const writeJson = (name: string, json: unknown): Promise<void> =>
    writeFileAtomic(join(folder, name), `${JSON.stringify(json, null, 2)}\n`);
  if (model instanceof FirstVersionBart) {
    const { config, decoder } = firstVersionConfigToJson(model.config);
    await writeJson('config.json', config);
    await writeJson(DECODER_CONFIG, decoder);
  } else {
    await writeJson('config.json', dalleBartConfigToJson(model.config));
  }
  await saveSafetensors(join(folder, 'model.safetensors'), weights, {
    dtype,
    metadata: { format: 'easel', model: model instanceof FirstVersionBart ? 'first-version' : 'dallebart' },
  });
}

/**
 * How many ids a text can have. BART's vocabulary ends with <mask>, for which its summarizer, from which the first version and
 * the second's text vocabulary come, has no embedding; a prompt that spells it out is refused when it is drawn.
 */
function idsOfText(tokenizer: BpeTokenizer): number {
  const last = tokenizer.size - 1;
  return tokenizer.vocab.get(tokenizer.specials.mask?.content ?? '') === last ? last : tokenizer.size;
}

/** The tokenizer of a folder in Hugging Face form. Throws ConfigError that names folder and file. */
export async function openTokenizer(folder: string): Promise<BpeTokenizer> {
  const files = await readTokenizerFiles(folder);
  try {
    return BpeTokenizer.fromFiles(files);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(`${folder}: ${error.message}`, { cause: error });
  }
}

/** Writes vocab.json, merges.txt, special_tokens_map.json and tokenizer_config.json. Throws EaselError if it cannot. */
export async function saveTokenizer(folder: string, tokenizer: BpeTokenizer): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw asWriteError(error, folder);
  }
  for (const [name, text] of tokenizerFiles(tokenizer)) await writeFileAtomic(join(folder, name), text);
}

/** The config of a model folder, and with it what its model is made of. Throws ConfigError if it is missing or malformed. */
export async function openModelConfig(folder: string): Promise<ModelPlan> {
  const file = join(folder, 'config.json');
  const text = await readTextIfThere(file);
  if (text === undefined) {
    throw new ConfigError(
      `${file}: there is no such file. A model folder has config.json, a tokenizer and weights; is ${folder} one?`,
    );
  }
  const decoderFile = join(folder, DECODER_CONFIG);
  const decoder = await readTextIfThere(decoderFile);
  return planModel(
    parseJson(text, file),
    file,
    decoder === undefined ? undefined : parseJson(decoder, decoderFile),
  );
}

async function openNormalizer(folder: string): Promise<TextNormalizer> {
  const words = await readTextIfThere(join(folder, WORD_LIST));
  return new TextNormalizer(words === undefined ? {} : { wordFrequencies: parseWordFrequencies(words) });
}
