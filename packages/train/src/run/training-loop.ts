import { join } from 'node:path';
import { DataError, EaselError, globalNorm, loadWeights, type Optimizer, type WeightRule } from '@easel/core';
import { type HeldTensors, openCheckpoint } from '@easel/core/node';
import * as tf from '@tensorflow/tfjs';
import { type BestEvaluation, betterEvaluation } from './best-evaluation.js';
import { CheckpointSaver } from './checkpoint-saver.js';
import type { CheckpointSettings } from '../config/optimization.js';
import type { DataPosition } from '../encoded/epoch-order.js';
import {
  type CheckpointParts,
  type CheckpointState,
  type FailedBatch,
  type Grid,
  type RunFolder,
  readCheckpointPart,
} from './run-folder.js';
import { measuredPeak, SpeedMeter } from './speed-meter.js';
import type { WeightStatistics } from './weight-statistics.js';

/** A training run that can't go on: the loss or a gradient is no longer a finite number. */
export class TrainingError extends EaselError {}

/** The event loop's share of a step, in ms, while a checkpoint is written in the background: opening, syncing and renaming take turns of it. */
const SAVING_MS = 3;

/** What one update gave. */
export interface UpdateResult {
  /** Loss of the update's samples, before the update. */
  readonly loss: number;
  readonly learningRate: number;
  /** Floating-point operations of its products, where the task counts them. */
  readonly flop?: number;
  /** Time that it waited for its data or made them ready, where the task measures it. */
  readonly dataSeconds?: number;
  /** Further numbers for the metrics, by name. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Norms and histograms of weights and gradients, where they were due. */
  readonly statistics?: WeightStatistics | undefined;
}

/** How often what happens, as a config has it. */
export interface TrainingPace {
  readonly log: { readonly every: number };
  readonly evaluation: { readonly every: number };
  readonly checkpoint: CheckpointSettings;
  readonly samples?: { readonly every: number };
}

/** What the loop needs of a kind of training. */
export interface TrainingTask {
  readonly steps: number;
  readonly samplesPerStep: number;
  /** Image tokens of a sample, where the task counts them. */
  readonly tokensPerSample?: number;
  readonly pace: TrainingPace;
  /** The key from which all randomness of the run is derived. */
  readonly key: readonly [number, number];
  /** Digest of the training data. */
  readonly data: string;
  /** Where in the data update `step` begins. */
  position(step: number): DataPosition;
  /**
   * Makes update number `step`, counted from 0. Throws TrainingError, with weights and optimizer untouched, if loss or gradients
   * aren't finite.
   */
  update(step: number): Promise<UpdateResult>;
  /** The samples of update `step`, which has just failed, in a form that a person can read. */
  failedBatch(step: number): Promise<FailedBatch>;
  /** Measures the model after `step` updates: numbers by name, by split. */
  evaluate(step: number): Promise<Readonly<Record<string, Readonly<Record<string, number>>>>>;
  /** Draws what the model makes of some prompts, where the pace has samples. */
  drawSamples?(): Promise<Grid>;
  /** All tensors that going on needs. */
  checkpointParts(): CheckpointParts;
  /** Writes the model into a folder, ready for use: with the weights of a checkpoint, or as it is now. */
  exportModel(folder: string, weights?: HeldTensors): Promise<void>;
  /** True if `exportModel` reads more of the training than weights it is given, which must not change then. */
  readonly exportNeedsPause?: boolean;
}

/** What a run tells while it goes. */
export type TrainingEvent =
  | {
      readonly kind: 'step';
      /** Updates done, of `steps`. */
      readonly step: number;
      readonly steps: number;
      readonly epoch: number;
      readonly loss: number;
      readonly learningRate: number;
      readonly metrics: Readonly<Record<string, number>>;
      /** Of the training alone, over this sitting. */
      readonly samplesPerSecond: number;
      readonly tokensPerSecond?: number | undefined;
      /** Of this machine's peak of multiply-adds, how much the products of this sitting's updates made; undefined where either is not known. */
      readonly peakShare?: number | undefined;
      /** Share of the updates' time that was not spent on data; undefined where the task doesn't measure it. */
      readonly computeShare?: number | undefined;
      /** Memory of this process that is in RAM, in bytes. */
      readonly memoryBytes: number;
      readonly secondsLeft: number;
    }
  | {
      readonly kind: 'evaluation';
      readonly step: number;
      readonly splits: Readonly<Record<string, Readonly<Record<string, number>>>>;
    }
  | { readonly kind: 'checkpoint'; readonly step: number; readonly path: string };

/** How to run a training; shared by all kinds. */
export interface TrainingOptions {
  /** Run folder; made if it doesn't exist. */
  readonly out: string;
  /** Go on from the newest checkpoint in `out`, or start if there is none. Without it a folder with a run is refused. */
  readonly resume?: boolean;
  /** Stops after the update in work, with a checkpoint. */
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: TrainingEvent) => void) | undefined;
}

/** How a run ended. */
export interface TrainingResult {
  /** False if the signal stopped it; resume to go on. */
  readonly complete: boolean;
  readonly step: number;
  /** Loss of the last update of this sitting; NaN if there was none. */
  readonly loss: number;
  /** Time spent training, over all sittings. */
  readonly seconds: number;
  /** The finished model, or the newest checkpoint's. */
  readonly model: string;
  readonly checkpoint: string;
  /** The last evaluation of this sitting. */
  readonly splits: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/**
 * Brings weights and optimizer to the run's checkpoint, if it has one; a task's further tensors are its own care.
 * Throws DataError if the run was begun on other data, CheckpointError if the checkpoint doesn't fit.
 */
export async function restoreCheckpoint(
  run: RunFolder,
  task: Pick<TrainingTask, 'data'>,
  parts: {
    readonly weights: ReadonlyMap<string, tf.Variable>;
    readonly rules: ReadonlyMap<string, WeightRule>;
    readonly optimizer: Optimizer;
  },
): Promise<void> {
  const { resumed } = run;
  if (resumed === null) return;
  if (resumed.state.data !== task.data)
    throw new DataError(
      `Run folder ${run.path}: its run was begun on other training data than is there now. Restore the data, or start a new run (init takes over a model).`,
    );
  const source = await openCheckpoint(join(resumed.path, 'model.safetensors'));
  try {
    await loadWeights(parts.weights, source, parts.rules);
  } finally {
    await source.close();
  }
  const state = await readCheckpointTensors(resumed.path, 'optimizer');
  parts.optimizer.loadState(state);
  tf.dispose([...state.values()]);
}

/** The tensors of one file of a checkpoint; the caller disposes them. */
export async function readCheckpointTensors(
  checkpoint: string,
  part: string,
): Promise<Map<string, tf.Tensor>> {
  const arrays = await readCheckpointPart(checkpoint, part);
  return new Map(
    [...arrays].map(([name, { data, shape }]) => [
      name,
      tf.tensor(data, [...shape], data instanceof Int32Array ? 'int32' : 'float32'),
    ]),
  );
}

/**
 * Runs a task from its run's checkpoint to the last step: updates, metrics, evaluations, checkpoints.
 *
 * After a checkpoint the model folder is renewed too. The loop gives way to other work once a step. Throws what the task throws;
 * the newest checkpoint is then as it was.
 */
export async function runTraining(
  run: RunFolder,
  task: TrainingTask,
  options: Pick<TrainingOptions, 'signal' | 'onEvent'>,
): Promise<TrainingResult> {
  const { signal, onEvent } = options;
  const from: CheckpointState | undefined = run.resumed?.state;
  const start = from?.step ?? 0;
  let { lossSum, lossSteps } = from ?? { lossSum: 0, lossSteps: 0 };
  let seconds = from?.seconds ?? 0;
  let loss = Number.NaN;
  let splits: TrainingResult['splits'] = {};
  let checkpoint = run.resumed?.path ?? '';
  const { log, evaluation, checkpoint: keeping } = task.pace;
  let best: BestEvaluation | null = from?.best ?? null;
  let saved = performance.now();
  const saver = new CheckpointSaver(run, task, {
    ...keeping,
    onSaved: (state, path) => {
      checkpoint = path;
      onEvent?.({ kind: 'checkpoint', step: state.step, path });
    },
  });
  const speed = new SpeedMeter(task, await measuredPeak());
  const due = (every: number, step: number) => step === task.steps || (every > 0 && step % every === 0);

  await run.logSitting();
  let step = start;
  try {
    while (step < task.steps && !signal?.aborted) {
      const began = performance.now();
      const result = await update(run, task, step);
      step++;
      const took = (performance.now() - began) / 1000;
      seconds += took;
      speed.add(took, result);
      loss = result.loss;
      lossSum += loss;
      lossSteps++;
      const { epoch } = task.position(step);
      const { learningRate, metrics } = result;
      const now = speed.now();
      const memoryBytes = process.memoryUsage.rss();
      if (due(log.every, step)) {
        const line = { step, kind: 'train', epoch, loss, lossMean: lossSum / lossSteps, learningRate };
        const measured = rounded({ ...now, memoryMiB: memoryBytes / 2 ** 20, seconds });
        await run.log({ ...line, ...metrics, ...measured });
        lossSum = 0;
        lossSteps = 0;
      }
      if (result.statistics !== undefined) await run.logStatistics(step, result.statistics);
      onEvent?.({
        kind: 'step',
        step,
        steps: task.steps,
        epoch,
        loss,
        learningRate,
        metrics,
        ...now,
        memoryBytes,
        secondsLeft: speed.secondsFor(task.steps - step),
      });
      await giveWay(saver.isSaving ? SAVING_MS : 0);
      saver.check();
      const samplesEvery = task.pace.samples?.every ?? 0;
      if (samplesEvery > 0 && due(samplesEvery, step) && task.drawSamples !== undefined)
        await run.logGrid('samples', step, await task.drawSamples());
      let isBest = false;
      if (due(evaluation.every, step)) {
        splits = await task.evaluate(step);
        for (const [split, numbers] of Object.entries(splits))
          await run.log({ step, kind: split, ...numbers });
        onEvent?.({ kind: 'evaluation', step, splits });
        const better = betterEvaluation(keeping.best, splits, step, best);
        isBest = better !== null;
        best = better ?? best;
      }
      const overdue = keeping.minutes > 0 && performance.now() - saved >= keeping.minutes * 60_000;
      if (due(keeping.every, step) || overdue || isBest || signal?.aborted) {
        requireFiniteWeights(task, step);
        const state: CheckpointState = {
          version: 1,
          step,
          samples: step * task.samplesPerStep,
          seconds,
          key: task.key,
          position: task.position(step),
          data: task.data,
          lossSum,
          lossSteps,
          best,
        };
        await saver.save(state);
        saved = performance.now();
      }
    }
  } catch (error) {
    await saver.finish().catch(() => {}); // so that what it wrote is whole
    throw error instanceof TrainingError ? await withWayBack(run, error.message) : error;
  }
  await saver.finish();
  if (step === start) await run.saveModel((folder) => task.exportModel(folder)); // nothing was left to do
  return {
    complete: step === task.steps,
    step,
    loss,
    seconds,
    model: `${run.path}/model`,
    checkpoint,
    splits,
  };
}

/** What is known of some measurements, to four digits. */
function rounded(measured: Readonly<Record<string, number | undefined>>): Record<string, number> {
  const known = Object.entries(measured).filter((entry): entry is [string, number] => entry[1] !== undefined);
  return Object.fromEntries(known.map(([name, value]) => [name, Number(value.toPrecision(4))]));
}

/** Lets other work of the event loop go on, for so many milliseconds or one turn. */
async function giveWay(milliseconds: number): Promise<void> {
  const until = performance.now() + milliseconds;
  do await new Promise((resolve) => setImmediate(resolve));
  while (performance.now() < until);
}

/** An update, whose failure leaves its batch in the run folder. */
async function update(run: RunFolder, task: TrainingTask, step: number): Promise<UpdateResult> {
  try {
    return await task.update(step);
  } catch (error) {
    if (!(error instanceof TrainingError)) throw error;
    const saved = await run.saveFailedBatch(await task.failedBatch(step));
    throw new TrainingError(`${error.message} Its batch is in ${saved}.`);
  }
}

/** Throws TrainingError if a weight is no number any more: a checkpoint of such weights would push a good one out. */
function requireFiniteWeights(task: TrainingTask, step: number): void {
  const weights = task.checkpointParts().model ?? new Map();
  const norm = globalNorm(weights);
  if (!Number.isFinite(norm))
    throw new TrainingError(`Training stopped after step ${step}: the norm of the weights is ${norm}.`);
}

async function withWayBack(run: RunFolder, message: string): Promise<TrainingError> {
  const newest = await run.newestCheckpoint();
  const back =
    newest === undefined ? 'There is no checkpoint yet.' : `The last good checkpoint is ${newest}.`;
  return new TrainingError(
    `${message} ${back} Try a lower learning rate, a longer warm-up or a smaller clipNorm.`,
  );
}

/** Throws TrainingError unless the loss and the norm of the gradients are finite. `changed`: whether weights have been changed already. */
export function requireFinite(step: number, loss: number, gradientNorm: number, changed = false): void {
  const what = !Number.isFinite(loss)
    ? `the loss is ${loss}`
    : `the norm of the gradients is ${gradientNorm}`;
  if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm))
    throw new TrainingError(
      `Training stopped at step ${step + 1}: ${what}. ${changed ? 'Some of the weights were changed before it showed.' : 'The weights were not changed by it.'}`,
    );
}
