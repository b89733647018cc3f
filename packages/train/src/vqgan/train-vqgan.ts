import { ConfigError, type Key, prngKey, type Schedule } from '@easel/core';
import {
  CodebookTracker,
  initializeVqgan,
  type Lpips,
  parseVqganConfig,
  Vqgan,
  vqganConfigToJson,
} from '@easel/vqgan';
import { vqganRulesForEasel } from '@easel/vqgan/internals';
import { openLpips, openVqgan, saveVqgan } from '@easel/vqgan/node';
import { modelSettings } from '../config/model-settings.js';
import { freeLength, lengthOf, type RunLength, runLength } from '../config/run-length.js';
import {
  FREE_VQGAN_SETTINGS,
  parseVqganTrainingConfig,
  type VqganTrainingConfig,
  withSteps,
} from '../config/vqgan-config.js';
import { loadingOptions, type OnLoading } from '../run/loading.js';
import { modelOfRun } from '../run/model-of-run.js';
import { createOptimizer, createSchedule } from '../run/optimization.js';
import { type Own, releasing } from '../run/releasing.js';
import { restoreCheckpoint, restoreState } from '../run/restore-checkpoint.js';
import { RunFolder } from '../run/run-folder.js';
import {
  type PicturesEvent,
  runTraining,
  type TrainingOptions,
  type TrainingResult,
} from '../run/training-loop.js';
import { Adversary } from './adversary.js';
import { countFailures, readVqganPictures, type VqganPictures } from './vqgan-pictures.js';
import { VqganTask } from './vqgan-task.js';

/**
 * Trains the image tokenizer on pictures in a run folder, as the config says. Pictures are decoded
 * once and held in memory, or streamed (`data.order`). Pictures that can't be used are left out and
 * named in RUN/skipped.jsonl.
 *
 * The loss has parts for pixels, for perception (a pyramid of the picture's scales, or LPIPS) and
 * for the codebook. From some step on, a discriminator that is trained beside the VQGAN adds a
 * part.
 *
 * RUN/model is a VQGAN folder that `openVqgan` and `easel encode` read, renewed with each
 * checkpoint; RUN/reconstructions holds a picture for each evaluation. The same config, data and
 * seed give the same weights bit for bit on one backend, however often the run was interrupted and
 * resumed.
 * Throws ConfigError, DataError or CheckpointError for input that doesn't fit, TrainingError if
 * loss or gradients stop being finite, EaselError if the folder can't be written to. Uses tfjs's
 * current backend.
 */
export function trainVqgan(given: VqganTrainingConfig, options: TrainingOptions): Promise<TrainingResult> {
  if ((options.communicator?.size ?? 1) > 1)
    return Promise.reject(
      new ConfigError(
        'Training of a VQGAN: its updates are not shared by several ranks. Start it without mpirun.',
      ),
    );
  return releasing(async (own) => {
    const key = prngKey(given.seed);
    const vqgan = own(await vqganStart(given, key, options.onEvent), (model) => model.dispose());
    const run = own(await openRun(given, vqgan, options), (folder) => folder.close());
    const { resolution } = vqgan.config;
    const data = await readVqganPictures(given, resolution, key, run, options.signal);
    own(data.training, (pictures) => pictures.close());
    const tellSkipped = () => options.onEvent?.({ kind: 'pictures', ...usedOf(data), log: run.skippedLog });
    tellSkipped();
    const length = await vqganLength(given, data);
    if (length.from !== 'steps') options.onEvent?.({ kind: 'length', ...length });
    const config = withSteps(given, length.steps);
    const weights = vqgan.namedWeights();
    const schedule = createSchedule(config.schedule, config.steps);
    const judges = await createJudges(config, schedule, resolution, key, own);
    const optimizer = own(createOptimizer(config.optimizer, schedule, weights), (one) => one.dispose());
    const following = { norm: vqgan.config.codebookNorm, ...config.codebook };
    const tracker = own(await CodebookTracker.create(vqgan.quantizer.codes, following), (one) =>
      one.dispose(),
    );
    const task = new VqganTask({
      config,
      vqgan,
      optimizer,
      tracker,
      ...judges,
      ...data,
      showGrid: (step, grid) => run.log.addPicture('reconstructions', step, grid),
      exportModel: (folder, newest) =>
        saveVqgan(folder, vqgan, { dtype: config.exportDtype, weights: newest }),
    });
    await restoreCheckpoint(run, task, { weights, rules: vqganRulesForEasel(weights.keys()), optimizer });
    if (run.resumed !== null) {
      await restoreState(tracker, run.resumed.path, 'codebook');
      await judges.adversary?.restore(run.resumed.path);
    }
    const known = data.skipped().length;
    const result = await runTraining(run, task, options);
    if (data.skipped().length > known) tellSkipped(); // streamed pictures are met while the training goes on
    return result;
  });
}

/** Returns the number of updates of a run. Its data says it if its settings don't. */
export function vqganLength(config: VqganTrainingConfig, { training }: VqganPictures): Promise<RunLength> {
  return lengthOf('vqgan', config, (epochs) => epochs * training.batchesPerEpoch);
}

/** Returns how many pictures are trained on, and why others are left out. */
function usedOf({ training, skipped }: VqganPictures): Pick<PicturesEvent, 'training' | 'failures'> {
  return { training: training.count, failures: countFailures(skipped()) };
}

function openRun(config: VqganTrainingConfig, vqgan: Vqgan, options: TrainingOptions): Promise<RunFolder> {
  const { restartEvery, restartUntil } = config.codebook;
  const settings = {
    values: { ...config, model: config.init === null ? vqganConfigToJson(vqgan.config) : null },
    free: [
      ...FREE_VQGAN_SETTINGS,
      ...freeLength(config.schedule, [restartEvery === 0 || restartUntil === 1]),
    ],
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
    return { ...parseVqganTrainingConfig(before), model: before.model };
  } catch {
    return before;
  }
}

/**
 * Makes the VQGAN that a config begins with. `tell` hears of its loading. The caller disposes it.
 */
export async function vqganStart(config: VqganTrainingConfig, key: Key, tell?: OnLoading): Promise<Vqgan> {
  if (config.init !== null) return openVqgan(modelOfRun(config.init), loadingOptions('the VQGAN', tell));
  const { json, file } = await modelSettings(config.model);
  const vqgan = new Vqgan(parseVqganConfig(json, file));
  initializeVqgan(vqgan, key);
  return vqgan;
}

/** Makes the networks that judge the VQGAN's drawings. */
export async function createJudges(
  config: VqganTrainingConfig,
  schedule: Schedule,
  size: number,
  key: Key,
  own: Own,
): Promise<{ readonly lpips?: Lpips; readonly adversary?: Adversary }> {
  const { adversarial, perceptual } = config;
  const lpips =
    perceptual.kind === 'lpips'
      ? own(await openLpips(perceptual.files), (judge) => judge.dispose())
      : undefined;
  if (lpips !== undefined && size < 16)
    throw new ConfigError(
      `perceptual.kind "lpips": expected pictures of 16 pixels and more, got ${size}. Take the kind "pyramid".`,
    );
  const adversary =
    adversarial === null
      ? undefined
      : own(await Adversary.create(adversarial, schedule, size, key), (judge) => judge.dispose());
  return { ...(lpips && { lpips }), ...(adversary && { adversary }) };
}
