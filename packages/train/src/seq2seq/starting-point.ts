import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  type BpeTokenizer,
  DalleBart,
  type DalleBartConfig,
  drawableIds,
  initializeDalleBart,
  parseDalleBartConfig,
} from '@easel/bart';
import { bartNaming, WORD_LIST } from '@easel/bart/internals';
import { openDalleBart, openModelConfig, openTokenizer } from '@easel/bart/node';
import { ConfigError, type Key, openWeights } from '@easel/core';
import { modelFiles, readJsonFile } from '@easel/core/node';
import {
  EMOJI_FILE,
  GENERATION_FILE,
  type GenerationSettings,
  parseGenerationSettings,
  parseWordList,
  WORDS_FILE,
  type WordList,
} from '@easel/draw';
import { checkBelongTogether, NOTEBOOK_SETTINGS, trainedSettings } from '@easel/draw/internals';
import { parseVqganConfig } from '@easel/vqgan';
import { modelSettings } from '../config/model-settings.js';
import type { Seq2SeqConfig } from '../config/seq2seq-config.js';
import { loadingOptions, type OnLoading } from '../run/loading.js';
import { modelOfRun } from '../run/model-of-run.js';
import { requireEncodingVqgan } from './encoding-vqgan.js';
import { isImageSide } from './trained-weights.js';

/** Everything that a run begins with, except the weights. */
export interface StartingPoint {
  readonly modelConfig: DalleBartConfig;
  readonly tokenizer: BpeTokenizer;
  /**
   * Folder of the VQGAN that draws the model's tokens: the config's, else what lies beside an older
   * model.
   */
  readonly vqgan: string | null;
  /** Path of the word list beside an older model. */
  readonly wordList: string | null;
  /** The settings with which the finished model draws, for its generation.json. */
  readonly generation: Partial<GenerationSettings>;
  /** Path of what emoji stand for, beside an older model. */
  readonly emoji: string | null;
  /**
   * The words that the model knows before the run: none of fresh weights; null if an older model
   * has no list of them.
   */
  readonly words: WordList | null;
  /** Makes the model with fresh weights or those of `init`. The caller disposes it. */
  readonly build: () => Promise<DalleBart>;
}

/**
 * Finds everything that a config begins with. `init` and `vqgan` may be runs; their models are then
 * used. `tell` hears of models that are loaded. Throws ConfigError or CheckpointError for files that are missing or don't fit each other.
 */
export async function startingPoint(
  given: Seq2SeqConfig,
  key: Key,
  tell?: OnLoading,
): Promise<StartingPoint> {
  const model = (path: string | null) => (path === null ? null : modelOfRun(path));
  const config = { ...given, init: model(given.init), vqgan: model(given.vqgan) };
  const start = await modelStart(config, key, tell);
  requireFit(start.tokenizer, start.modelConfig);
  if (start.vqgan !== null) {
    await requireCodes(start.vqgan, start.modelConfig);
  }
  const { train, eval: one, evals } = config.data;
  const sets = [...train, ...(one ?? []), ...Object.values(evals).flat()].map(({ path }) => path);
  await requireEncodingVqgan(start.vqgan, sets, tell);
  return start;
}

async function modelStart(config: Seq2SeqConfig, key: Key, tell: OnLoading): Promise<StartingPoint> {
  const tokenizer = await openTokenizer((config.tokenizer ?? config.init) as string);
  const { init } = config;
  if (init !== null) {
    if (config.tokenizer !== null) await requireVocabulary(tokenizer, config.tokenizer, init);
    const plan = await openModelConfig(init);
    if (plan.version === 1)
      throw new ConfigError(
        `Training: ${init} is a first version model, which can be drawn with but not trained on. Start from a model of the second version.`,
      );
    return {
      modelConfig: withRates(plan.config, config),
      tokenizer,
      vqgan: config.vqgan ?? pathIfThere(join(init, 'vqgan')),
      wordList: pathIfThere(join(init, WORD_LIST)),
      generation: await generationOf(init, config),
      emoji: pathIfThere(join(init, EMOJI_FILE)),
      words: await wordsOf(init),
      build: async () => {
        const { model: opened } = await openDalleBart(init, loadingOptions('the model', tell));
        const model = withDropout(opened as DalleBart, config);
        if (config.initEmbeddings) initializeDalleBart(model, key, isImageSide);
        return model;
      },
    };
  }
  const { json, file } = await modelSettings(config.model);
  const modelConfig = withRates(parseDalleBartConfig(json, file), config);
  const generation = trainedSettings(config.data.blankCaptions);
  const build = async () => {
    const model = new DalleBart(modelConfig);
    initializeDalleBart(model, key);
    return model;
  };
  return {
    modelConfig,
    tokenizer,
    vqgan: config.vqgan,
    wordList: null,
    generation,
    emoji: null,
    words: NO_WORDS,
    build,
  };
}

/**
 * Returns the settings of the model in a folder, for a model that goes on from it. They come from
 * its generation.json. A model of the original without that file has the settings of the original's
 * notebook.
 */
async function generationOf(folder: string, { data }: Seq2SeqConfig): Promise<Partial<GenerationSettings>> {
  const files = modelFiles(folder);
  const text = await files.text(GENERATION_FILE);
  if (text !== undefined) return parseGenerationSettings(text, files.nameOf(GENERATION_FILE));
  const weights = await openWeights(files);
  try {
    return bartNaming(weights) === 'easel' ? trainedSettings(data.blankCaptions) : NOTEBOOK_SETTINGS;
  } finally {
    await weights.close();
  }
}

const NO_WORDS: WordList = { counts: new Map(), complete: true };

async function wordsOf(folder: string): Promise<WordList | null> {
  const files = modelFiles(folder);
  const text = await files.text(WORDS_FILE);
  return text === undefined ? null : parseWordList(text, files.nameOf(WORDS_FILE));
}

/** Returns a model's config with the run's dropout, if the run gives one. */
function withRates(model: DalleBartConfig, { dropout, activationDropout }: Seq2SeqConfig): DalleBartConfig {
  return {
    ...model,
    dropout: dropout ?? model.dropout,
    activationDropout: activationDropout ?? model.activationDropout,
  };
}

/**
 * Returns the model with the run's dropout: the model itself, or another one that takes over its
 * weights.
 */
function withDropout(model: DalleBart, config: Seq2SeqConfig): DalleBart {
  const wanted = withRates(model.config, config);
  const { dropout, activationDropout } = model.config;
  if (wanted.dropout === dropout && wanted.activationDropout === activationDropout) return model;
  const changed = new DalleBart(wanted);
  const weights = changed.namedWeights();
  for (const [name, weight] of model.namedWeights()) weights.get(name)?.assign(weight);
  model.dispose();
  return changed;
}

/**
 * Throws ConfigError unless the model's text embedding has a row for each of the tokenizer's ids.
 */
function requireFit(
  tokenizer: BpeTokenizer,
  { encoderVocabSize }: Pick<DalleBartConfig, 'encoderVocabSize'>,
): void {
  if (tokenizer.size > encoderVocabSize)
    throw new ConfigError(
      `Training: the tokenizer has ${tokenizer.size} tokens, but the model's encoder_vocab_size is ${encoderVocabSize}. Train a smaller tokenizer, or raise encoder_vocab_size.`,
    );
}

/**
 * Throws ConfigError if a tokenizer gives ids other meanings than the tokenizer of the model in
 * `init` does. The model's embeddings would then stand for other words.
 */
async function requireVocabulary(tokenizer: BpeTokenizer, folder: string, init: string): Promise<void> {
  const own = await openTokenizer(init).catch(() => undefined); // a model may lie there without one
  if (own === undefined) return;
  const words = new Map([...tokenizer.vocab].map(([word, id]) => [id, word]));
  const other = [...own.vocab].filter(([word, id]) => words.get(id) !== word);
  const [first] = other;
  if (first === undefined) return;
  const [word, id] = first;
  throw new ConfigError(
    `Training: the tokenizer in ${folder} has another vocabulary than the model in ${init}: ${other.length} of its ${own.vocab.size} ids mean something else (id ${id} is ${JSON.stringify(word)} there and ${JSON.stringify(words.get(id) ?? null)} here). Leave tokenizer out to take the model's own, or train from scratch with model.`,
  );
}

/**
 * Throws ConfigError unless the ids that the model draws are the codes of the VQGAN in a folder. A
 * vocabulary may go on behind them, as DALL·E mini's and mega's do.
 */
async function requireCodes(folder: string, model: DalleBartConfig): Promise<void> {
  const file = join(folder, 'config.json');
  const vqgan = parseVqganConfig(await readJsonFile(file), file);
  checkBelongTogether(model, vqgan, `Training: the model with the VQGAN in ${folder}`);
  const [codes, drawable] = [vqgan.nEmbed, drawableIds(model)];
  if (codes > drawable)
    throw new ConfigError(
      `Training: the VQGAN in ${folder} has the codes 0 to ${codes - 1}, but the model draws the ids 0 to ${drawable - 1} alone (image_vocab_size ${model.imageVocabSize}, decoder_start_token_id ${model.decoderStartTokenId}). Set both to ${codes} for a model from scratch, and encode the pictures with this VQGAN.`,
    );
}

function pathIfThere(path: string): string | null {
  return existsSync(path) ? path : null;
}
