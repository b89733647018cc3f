import { copyFile, cp } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type DalleBart,
  type DalleBartConfig,
  dalleBartConfigToJson,
  Processor,
  rulesForEasel,
} from '@easel/bart';
import { saveDalleBart, WORD_LIST } from '@easel/bart/node';
import { ConfigError, foldInNames, type Key, prngKey } from '@easel/core';
import { parseVqganConfig } from '@easel/vqgan';
import { openVqgan, saveVqgan } from '@easel/vqgan/node';
import { readJsonFile } from '../config/fields.js';
import { parseSeq2SeqConfig, type Seq2SeqConfig } from '../config/seq2seq-config.js';
import { createOptimizer, createSchedule } from '../run/optimization.js';
import { restoreOriginalState, saveOriginalCheckpoint } from './original-checkpoint.js';
import { ORIGINAL_STATE } from './original-state.js';
import { RunFolder } from '../run/run-folder.js';
import { PromptSamples } from './sample-prompts.js';
import { createNormalizer, openSeq2SeqData } from './seq2seq-data.js';
import { Seq2SeqTask } from './seq2seq-task.js';
import { type StartingPoint, startingPoint } from './starting-point.js';
import { holdWeights, optimizerGroup, trainedWeights } from './trained-weights.js';
import { restoreCheckpoint } from '../run/restore-checkpoint.js';
import { runTraining, type TrainingOptions, type TrainingResult } from '../run/training-loop.js';
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
  const { tokenizer } = start;
  const model = await start.build();
  try {
    const resolved = { ...config, model: config.init === null ? dalleBartConfigToJson(model.config) : null };
    const run = await RunFolder.open(options.out, resolved, {
      resume: options.resume ?? false,
      tensorboard: config.log.tensorboard,
      complete: withNewSettings,
    });
    try {
      const data = await openSeq2SeqData(config, start, key, run.resumed?.state);
      const steps = await updatesOf(config, data.rows);
      const vqgan = config.vqgan ?? start.vqgan;
      if (vqgan !== null) await checkVqgan(vqgan, start.modelConfig);
      const samples = await openSamples(config, model, start, vqgan, key);
      const weights = model.namedWeights();
      const trained = trainedWeights(model, config);
      const optimizer = createOptimizer(
        config.optimizer,
        createSchedule(config.schedule, steps),
        trained,
        optimizerGroup(model),
        config.weights,
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
          exportModel: async (folder, newest) => {
            await saveDalleBart(folder, model, tokenizer, config.exportDtype, newest);
            if (start.wordList !== null) await copyFile(start.wordList, join(folder, WORD_LIST));
            if (vqgan !== null) await exportVqgan(vqgan, join(folder, 'vqgan'), config);
            if (config.exportOriginal) await saveOriginalCheckpoint(folder, subject, optimizer.state());
          },
        });
        await restoreCheckpoint(run, task, { weights, rules: rulesForEasel(model.config), optimizer });
        holdWeights(weights, config.weights);
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

/** A run's settings with the defaults of those that came later; as they are where they can't be read any more. */
function withNewSettings(before: Record<string, unknown>): Readonly<Record<string, unknown>> {
  try {
    return { ...parseSeq2SeqConfig(before), model: before.model };
  } catch {
    return before;
  }
}

/** Updates of the whole run. Throws ConfigError if its epochs don't make one. */
export async function updatesOf(
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

/** What draws the config's prompts while the model is trained. */
async function openSamples(
  { samples }: Seq2SeqConfig,
  model: DalleBart,
  { tokenizer, wordList }: StartingPoint,
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
export async function checkVqgan(folder: string, { imageVocabSize }: DalleBartConfig): Promise<void> {
  const file = join(folder, 'config.json');
  const { nEmbed } = parseVqganConfig(await readJsonFile(file), file);
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
