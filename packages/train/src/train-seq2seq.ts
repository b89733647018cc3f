import { access, copyFile, cp } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BpeTokenizer,
  DalleBart,
  type DalleBartConfig,
  dalleBartConfigToJson,
  initializeDalleBart,
  Processor,
  parseDalleBartConfig,
  rulesForEasel,
} from '@easel/bart';
import { openDalleBart, openTokenizer, saveDalleBart, WORD_LIST } from '@easel/bart/node';
import { ConfigError, foldInNames, type Key, prngKey } from '@easel/core';
import { parseVqganConfig } from '@easel/vqgan';
import { openVqgan, saveVqgan } from '@easel/vqgan/node';
import { readJsonFile } from './config/fields.js';
import type { Seq2SeqConfig } from './config/seq2seq-config.js';
import { createOptimizer, createSchedule } from './optimization.js';
import { restoreOriginalState, saveOriginalCheckpoint } from './original-checkpoint.js';
import { ORIGINAL_STATE } from './original-state.js';
import { RunFolder } from './run-folder.js';
import { PromptSamples } from './sample-prompts.js';
import { createNormalizer, openSeq2SeqData } from './seq2seq-data.js';
import { Seq2SeqTask } from './seq2seq-task.js';
import { isImageSide, optimizerGroup, trainedWeights } from './trained-weights.js';
import {
  restoreCheckpoint,
  runTraining,
  type TrainingOptions,
  type TrainingResult,
} from './training-loop.js';
import type { TrainingRows } from './training-rows.js';

/**
 * Trains the transformer that turns text into image tokens, as the config says, in a run folder.
 *
 * RUN/model is a model folder that `openDalleBart` and `easel generate` read; it is renewed with each checkpoint. The same config,
 * data and seed give the same weights bit for bit on one backend, however often the run was interrupted and resumed.
 * Throws ConfigError, DataError or CheckpointError for input that doesn't fit, TrainingError if loss or gradients stop being finite,
 * EaselError if the folder can't be written to. Uses tfjs's current backend.
 */
export async function trainSeq2Seq(config: Seq2SeqConfig, options: TrainingOptions): Promise<TrainingResult> {
  const key = prngKey(config.seed);
  const start = await startingPoint(config, key);
  const { model, tokenizer } = start;
  try {
    const resolved = { ...config, model: config.init === null ? dalleBartConfigToJson(model.config) : null };
    const run = await RunFolder.open(options.out, resolved, {
      resume: options.resume ?? false,
      tensorboard: config.log.tensorboard,
    });
    try {
      const data = await openSeq2SeqData(config, start, key, run.resumed?.state);
      const steps = await updatesOf(config, data.rows);
      const vqgan = config.vqgan ?? start.vqgan;
      if (vqgan !== null) await checkVqgan(vqgan, model);
      const samples = await openSamples(config, start, vqgan, key);
      const weights = model.namedWeights();
      const trained = trainedWeights(model, config);
      const optimizer = createOptimizer(
        config.optimizer,
        createSchedule(config.schedule, steps),
        trained,
        optimizerGroup(model),
      );
      const subject = { model, optimizer: config.optimizer, trained };
      try {
        if (config.restoreState && config.init !== null && run.resumed === null)
          await restoreOriginalState(optimizer, join(config.init, ORIGINAL_STATE), subject);
        const task = new Seq2SeqTask({
          config,
          steps,
          model,
          optimizer,
          ...data,
          samples,
          readText: (ids) => tokenizer.decode(ids),
          exportModel: async (folder) => {
            await saveDalleBart(folder, model, tokenizer, config.exportDtype);
            if (start.wordList !== null) await copyFile(start.wordList, join(folder, WORD_LIST));
            if (vqgan !== null) await exportVqgan(vqgan, join(folder, 'vqgan'), config);
            if (config.exportOriginal) await saveOriginalCheckpoint(folder, subject, optimizer.state());
          },
        });
        await restoreCheckpoint(run, task, { weights, rules: rulesForEasel(model.config), optimizer });
        return await runTraining(run, task, options);
      } finally {
        await data.rows.close();
        samples?.dispose();
        optimizer.dispose();
      }
    } finally {
      await run.close();
    }
  } finally {
    model.dispose();
  }
}

/** Updates of the whole run. Throws ConfigError if its epochs don't make one. */
async function updatesOf(
  { steps, epochs, batchSize, accumulate }: Seq2SeqConfig,
  rows: TrainingRows,
): Promise<number> {
  const updates = steps ?? (await rows.updatesIn(epochs as number));
  if (updates === 0)
    throw new ConfigError(
      `Training: the training set's rows don't fill one update of ${batchSize * accumulate} (batchSize · accumulate). Lower batchSize, or filter less.`,
    );
  return updates;
}

/** A model to start from, with its tokenizer, and what lies beside them in the folder of an older model. */
interface StartingPoint {
  readonly model: DalleBart;
  readonly tokenizer: BpeTokenizer;
  readonly vqgan: string | null;
  readonly wordList: string | null;
}

async function startingPoint(config: Seq2SeqConfig, key: Key): Promise<StartingPoint> {
  const tokenizer = config.tokenizer === null ? null : await openTokenizer(config.tokenizer);
  if (config.init !== null) {
    const opened = await openDalleBart(config.init);
    const { model, config: modelConfig } = opened;
    if (!(model instanceof DalleBart)) {
      opened.dispose();
      throw new ConfigError(
        `Training: ${config.init} is a first version model, which can be drawn with but not trained on. Start from a model of the second version.`,
      );
    }
    const start = {
      model: withDropout(model, config),
      tokenizer: tokenizer ?? opened.tokenizer,
      vqgan: await pathIfThere(join(config.init, 'vqgan')),
      wordList: await pathIfThere(join(config.init, WORD_LIST)),
    };
    try {
      requireFit(start.tokenizer, modelConfig);
      if (config.initEmbeddings) initializeDalleBart(start.model, key, isImageSide);
      return start;
    } catch (error) {
      start.model.dispose();
      throw error;
    }
  }
  const [json, file] =
    typeof config.model === 'string'
      ? [await readJsonFile(config.model), config.model]
      : [config.model, 'model'];
  const modelConfig = withRates(parseDalleBartConfig(json, file), config);
  requireFit(tokenizer as BpeTokenizer, modelConfig);
  const model = new DalleBart(modelConfig);
  initializeDalleBart(model, key);
  return { model, tokenizer: tokenizer as BpeTokenizer, vqgan: null, wordList: null };
}

/** A model's config with the run's dropout, where that names any. */
function withRates(model: DalleBartConfig, { dropout, activationDropout }: Seq2SeqConfig): DalleBartConfig {
  return {
    ...model,
    dropout: dropout ?? model.dropout,
    activationDropout: activationDropout ?? model.activationDropout,
  };
}

/** The model with the run's dropout: itself, or one with its weights in its place. */
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

/** Throws ConfigError unless the model's text embedding has a row for each of the tokenizer's ids. */
function requireFit(
  tokenizer: BpeTokenizer,
  { encoderVocabSize }: Pick<DalleBartConfig, 'encoderVocabSize'>,
): void {
  if (tokenizer.size > encoderVocabSize)
    throw new ConfigError(
      `Training: the tokenizer has ${tokenizer.size} tokens, but the model's encoder_vocab_size is ${encoderVocabSize}. Train a smaller tokenizer, or raise encoder_vocab_size.`,
    );
}

/** What draws the config's prompts while the model is trained. */
async function openSamples(
  { samples }: Seq2SeqConfig,
  { model, tokenizer, wordList }: StartingPoint,
  vqgan: string | null,
  key: Key,
): Promise<PromptSamples | null> {
  const { normalizeText, maxTextLength } = model.config;
  const normalize = normalizeText
    ? await createNormalizer(wordList, foldInNames(key, ['samples', 'normalizer']))
    : (text: string) => text;
  const settings = { ...samples, prompts: samples.prompts.map((prompt) => normalize(prompt)) };
  return PromptSamples.open(settings, model, new Processor({ tokenizer, maxTextLength }), vqgan);
}

/** Throws ConfigError unless the folder holds a VQGAN that knows every token that the model draws. */
async function checkVqgan(folder: string, model: DalleBart): Promise<void> {
  const file = join(folder, 'config.json');
  const { nEmbed } = parseVqganConfig(await readJsonFile(file), file);
  const { imageVocabSize } = model.config;
  if (nEmbed > imageVocabSize)
    throw new ConfigError(
      `Training: the VQGAN in ${folder} has ${nEmbed} codes, but the model's image_vocab_size is ${imageVocabSize}. Set image_vocab_size to ${nEmbed}, and encode the pictures with this VQGAN.`,
    );
}

/** Puts the VQGAN into a model folder: as it is, or the half of it that drawing needs. */
async function exportVqgan(from: string, to: string, config: Seq2SeqConfig): Promise<void> {
  if (config.vqganParts === 'whole') {
    await cp(from, to, { recursive: true });
    return;
  }
  const vqgan = await openVqgan(from);
  try {
    await saveVqgan(to, vqgan, config.exportDtype, { decoderOnly: true });
  } finally {
    vqgan.dispose();
  }
}

async function pathIfThere(path: string): Promise<string | null> {
  return access(path).then(
    () => path,
    () => null,
  );
}
