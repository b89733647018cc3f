import { foldInNames, type Key, permutation, prngKey } from '@easel/core';
import {
  CodebookTracker,
  initializeVqgan,
  parseVqganConfig,
  rulesForEasel,
  Vqgan,
  vqganConfigToJson,
} from '@easel/vqgan';
import { openVqgan, saveVqgan } from '@easel/vqgan/node';
import * as tf from '@tensorflow/tfjs';
import { readJsonFile } from './config/fields.js';
import type { VqganTrainingConfig } from './config/vqgan-config.js';
import { cachePictures } from './data/picture-cache.js';
import { listPictures } from './data/picture-folder.js';
import { holdOut } from './epoch-order.js';
import { createOptimizer, createSchedule } from './optimization.js';
import { RunFolder } from './run-folder.js';
import {
  readCheckpointTensors,
  restoreCheckpoint,
  runTraining,
  type TrainingOptions,
  type TrainingResult,
} from './training-loop.js';
import { codebookName, type PictureSplit, VqganTask } from './vqgan-task.js';

/**
 * Trains the image tokenizer on a folder of pictures, as the config says, in a run folder. Pictures are decoded once and held in
 * memory; those that can't be decoded are named in RUN/skipped.jsonl and left out.
 *
 * RUN/model is a VQGAN folder that `openVqgan` and `easel encode` read, renewed with each checkpoint; RUN/reconstructions holds a
 * picture for each evaluation. The same config, data and seed give the same weights bit for bit on one backend, however often
 * the run was interrupted and resumed.
 * Throws ConfigError, DataError or CheckpointError for input that doesn't fit, TrainingError if loss or gradients stop being finite,
 * EaselError if the folder can't be written to. Uses tfjs's current backend.
 */
export async function trainVqgan(
  config: VqganTrainingConfig,
  options: TrainingOptions,
): Promise<TrainingResult> {
  const key = prngKey(config.seed);
  const vqgan = await startingPoint(config, key);
  try {
    const resolved = { ...config, model: config.init === null ? vqganConfigToJson(vqgan.config) : null };
    const run = await RunFolder.open(options.out, resolved, {
      resume: options.resume ?? false,
      tensorboard: config.log.tensorboard,
    });
    try {
      const data = await readPictures(config, vqgan.config.resolution, key, run, options.signal);
      const weights = vqgan.namedWeights();
      const trained = new Map([...weights].filter(([name]) => name !== codebookName));
      const optimizer = createOptimizer(
        config.optimizer,
        createSchedule(config.schedule, config.steps),
        trained,
      );
      const tracker = new CodebookTracker(vqgan.quantizer.codes, {
        norm: vqgan.config.codebookNorm,
        decay: config.codebook.decay,
        restartBelow: config.codebook.restartBelow,
      });
      try {
        const task = new VqganTask({
          config,
          vqgan,
          optimizer,
          tracker,
          ...data,
          showGrid: (step, grid) => run.logGrid('reconstructions', step, grid),
          exportModel: (folder) => saveVqgan(folder, vqgan, config.exportDtype),
        });
        await restoreCheckpoint(run, task, { weights, rules: rulesForEasel(weights.keys()), optimizer });
        if (run.resumed !== null) {
          const state = await readCheckpointTensors(run.resumed.path, 'codebook');
          tracker.loadState(state);
          tf.dispose([...state.values()]);
        }
        return await runTraining(run, task, options);
      } finally {
        optimizer.dispose();
        tracker.dispose();
      }
    } finally {
      await run.close();
    }
  } finally {
    vqgan.dispose();
  }
}

async function startingPoint(config: VqganTrainingConfig, key: Key): Promise<Vqgan> {
  if (config.init !== null) return openVqgan(config.init);
  const [json, file] =
    typeof config.model === 'string'
      ? [await readJsonFile(config.model), config.model]
      : [config.model, 'model'];
  const vqgan = new Vqgan(parseVqganConfig(json, file));
  initializeVqgan(vqgan, key);
  return vqgan;
}

/** Training and evaluated pictures, decoded. */
async function readPictures(
  config: VqganTrainingConfig,
  size: number,
  key: Key,
  run: RunFolder,
  signal: AbortSignal | undefined,
): Promise<{ training: PictureSplit; evaluated: PictureSplit & { name: string } }> {
  const { fit, background, memoryLimit, evalFraction } = config.data;
  const decode = async (folder: string) => {
    const pictures = await listPictures(folder);
    const cache = await cachePictures(pictures, { size, fit, background }, { limitMiB: memoryLimit, signal });
    await run.logSkipped(cache.skipped);
    return cache;
  };
  const cache = await decode(config.data.train);
  const { train, held } = holdOut(foldInNames(key, ['held out']), cache.files.length, evalFraction);
  const sample = (split: PictureSplit): PictureSplit => {
    const order = permutation(foldInNames(key, ['evaluation']), split.rows.length);
    const chosen = order.subarray(0, config.evaluation.pictures);
    return { cache: split.cache, rows: Array.from(chosen, (i) => split.rows[i] as number) };
  };
  const training: PictureSplit = { cache, rows: train };
  if (config.data.eval !== null) {
    const other = await decode(config.data.eval);
    const all = { cache: other, rows: Array.from(other.files, (_, i) => i) };
    return { training, evaluated: { name: 'eval', ...sample(all) } };
  }
  if (held.length > 0) return { training, evaluated: { name: 'eval', ...sample({ cache, rows: held }) } };
  return { training, evaluated: { name: 'trained', ...sample(training) } };
}
