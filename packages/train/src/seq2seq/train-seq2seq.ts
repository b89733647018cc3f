import { join } from 'node:path';
import { type DalleBart, dalleBartConfigToJson, Processor } from '@easel/bart';
import { bartRulesForEasel } from '@easel/bart/internals';
import { ConfigError, foldInNames, type Key, prngKey } from '@easel/core';
import { freeLength, runLength } from '../config/run-length.js';
import { FREE_SEQ2SEQ_SETTINGS, parseSeq2SeqConfig, type Seq2SeqConfig } from '../config/seq2seq-config.js';
import { restoreOriginalState } from '../original/checkpoint.js';
import { ORIGINAL_STATE } from '../original/optimizer-state.js';
import { Ranks } from '../ranks/ranks.js';
import type { OnLoading } from '../run/loading.js';
import { modelOfRun } from '../run/model-of-run.js';
import { releasing } from '../run/releasing.js';
import { restoreCheckpoint } from '../run/restore-checkpoint.js';
import { RunFolder } from '../run/run-folder.js';
import { runTraining, type TrainingOptions, type TrainingResult } from '../run/training-loop.js';
import type { LeftOutKind } from '../sources/left-out.js';
import type { SkippedPicture } from '../sources/picture-source.js';
import { createNormalizer } from './caption-normalizer.js';
import { followSeq2Seq } from './follow-seq2seq.js';
import { MOST_KNOWN_PROMPTS, readKnownPrompts } from './known-prompts.js';
import { countLearntWords } from './learnt-words.js';
import { ModelExport } from './model-export.js';
import { PromptSamples, SAMPLED_CAPTIONS } from './sample-prompts.js';
import { openSeq2SeqData, type PartlyReadSet, type Seq2SeqData } from './seq2seq-data.js';
import { Seq2SeqTask } from './seq2seq-task.js';
import { updateSubject } from './seq2seq-update.js';
import { giveStart, requireSameData, requireSharedRun, shareState } from './shared-run.js';
import { type StartingPoint, startingPoint } from './starting-point.js';
import { holdWeights } from './trained-weights.js';
import { seq2seqLength } from './training-rows.js';

/**
 * Trains the transformer that turns text into image tokens in a run folder, as the config says.
 *
 * RUN/model is a model folder that `openDalleBart` and `easel generate` read. Each checkpoint
 * renews it. The same config, data and seed give the same weights bit for bit on one backend,
 * however often the run was interrupted and resumed. Throws ConfigError, DataError or
 * CheckpointError for input that doesn't fit, TrainingError if loss or gradients stop being finite,
 * EaselError if the folder can't be written to. Uses tfjs's current backend.
 *
 * Several processes train together if each calls this with the same config and a communicator. They
 * share the micro-batches of each update; `config.ranks` says how. The numbers are those of one
 * process, to float32's sums, and the folder's files are the same.
 */
export async function trainSeq2Seq(config: Seq2SeqConfig, options: TrainingOptions): Promise<TrainingResult> {
  const ranks = new Ranks(options.communicator);
  await requireSharedRun(config, ranks);
  if (ranks.rank > 0) return followSeq2Seq(config, ranks, options);
  return releasing(async (own) => {
    const key = prngKey(config.seed);
    const start = await startingPoint(config, key, options.onEvent);
    const model = own(await start.build(), (one) => one.dispose());
    const run = own(await openRun(config, model, options), (folder) => folder.close());
    await giveStart({ ...start, resumed: run.resumed?.state }, ranks);
    const partly = own(new PartlyRead(run, options), (told) => told.written());
    const data = await openSeq2SeqData(config, start, key, run.resumed?.state, (set) => partly.add(set));
    own(data.rows, (rows) => rows.close());
    const length = await seq2seqLength(config, data.rows);
    if (length.from !== 'steps') options.onEvent?.({ kind: 'length', ...length });
    const { steps } = length;
    await requireSameData(ranks, { data: data.rows.digest, steps });
    const samples = own(await openSamples(config, model, start, data, key, options.onEvent), (one) =>
      one?.dispose(),
    );
    const subject = updateSubject(config, model, steps, ranks);
    const optimizer = own(subject.optimizer, (one) => one.dispose());
    const weights = model.namedWeights();
    const { words: earlier } = start;
    const words = earlier === null ? null : () => countLearntWords(data.readCaptions(), earlier);
    const prompts = await knownPrompts(config, data);
    const modelExport = new ModelExport(subject, { ...start, words, prompts }, run.model.path);
    if (config.restoreState && config.init !== null && run.resumed === null)
      await restoreOriginalState(optimizer, join(config.init, ORIGINAL_STATE), {
        model,
        optimizer: config.optimizer,
        trained: subject.trained,
      });
    const task = new Seq2SeqTask({
      ...subject,
      ...data,
      steps,
      samples,
      readText: (ids) => start.tokenizer.decode(ids),
      exportModel: (folder, newest) => modelExport.write(folder, newest),
    });
    await restoreCheckpoint(run, task, { weights, rules: bartRulesForEasel(model.config), optimizer });
    await shareState(ranks, weights, optimizer);
    holdWeights(weights, config.weights);
    return runTraining(run, task, options, ranks);
  });
}

/** Says, and puts into RUN/skipped.jsonl, how many rows of the sets were left out. */
class PartlyRead {
  private readonly run: RunFolder;
  private readonly options: TrainingOptions;
  private readonly sets: PartlyReadSet[] = [];
  private writing: Promise<void> = Promise.resolve();

  constructor(run: RunFolder, options: TrainingOptions) {
    this.run = run;
    this.options = options;
  }

  add(set: PartlyReadSet): void {
    this.sets.push(set);
    this.options.onEvent?.({ kind: 'data', ...set });
    this.writing = this.writing.then(() => this.run.saveSkipped(this.sets.flatMap(skippedRows)));
    this.writing.catch(() => {}); // a log that can't be written stops nothing; the next checkpoint will say it
  }

  /** Ends when the log is written. */
  async written(): Promise<void> {
    await this.writing.catch(() => {});
  }
}

function skippedRows({ path, rows, leftOut }: PartlyReadSet): SkippedPicture[] {
  return (Object.entries(leftOut) as [LeftOutKind, number][]).map(([kind, count]) => ({
    file: path,
    kind,
    reason: `Encoded set ${path}: ${count} of ${rows} rows.`,
  }));
}

function openRun(config: Seq2SeqConfig, model: DalleBart, options: TrainingOptions): Promise<RunFolder> {
  const { max, until } = config.maskInputs;
  const settings = {
    values: { ...config, model: config.init === null ? dalleBartConfigToJson(model.config) : null },
    free: [...FREE_SEQ2SEQ_SETTINGS, ...freeLength(config.schedule, [max === 0 || until === 1])],
    length: runLength(config),
    complete: withNewSettings,
  };
  const { tensorboard } = config.log;
  return RunFolder.open(options.out, settings, { resume: options.resume ?? false, tensorboard });
}

/**
 * Returns a run's settings with the defaults of settings that were added later. Settings that can't
 * be read any more stay as they are.
 */
function withNewSettings(before: Record<string, unknown>): Readonly<Record<string, unknown>> {
  try {
    return { ...parseSeq2SeqConfig(before), model: before.model };
  } catch {
    return before;
  }
}

/** Prompts of what the finished model will know: captions of its set, and what `init` knew. */
async function knownPrompts({ init }: Seq2SeqConfig, data: Seq2SeqData): Promise<readonly string[]> {
  const before = init === null ? [] : await readKnownPrompts(modelOfRun(init));
  return [...new Set([...(await data.captions(MOST_KNOWN_PROMPTS)), ...before])];
}

/** Opens the part that draws the config's prompts while the model is trained. */
async function openSamples(
  { samples }: Seq2SeqConfig,
  model: DalleBart,
  { tokenizer, wordList, vqgan, generation }: StartingPoint,
  data: Seq2SeqData,
  key: Key,
  tell: OnLoading,
): Promise<PromptSamples | null> {
  if (samples.every === 0) return null;
  if (vqgan === null) {
    if (samples.every === null) return null;
    throw new ConfigError(
      'Training: samples: tokens become pictures only through a VQGAN; name its folder as vqgan, or set samples.every to 0.',
    );
  }
  const prompts = samples.prompts ?? (await data.captions(SAMPLED_CAPTIONS));
  const { normalizeText, maxTextLength } = model.config;
  const normalize = normalizeText
    ? await createNormalizer(wordList, foldInNames(key, ['samples', 'normalizer']))
    : (text: string) => text;
  const processor = new Processor({ tokenizer, maxTextLength });
  const settings = { ...samples, prompts, normalized: prompts.map((prompt) => normalize(prompt)) };
  return PromptSamples.open(settings, generation, model, processor, vqgan, tell);
}
