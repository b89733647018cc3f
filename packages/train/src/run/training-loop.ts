import { ConfigError, globalNorm } from '@easel/core';
import { eventLoopTurn } from '@easel/core/internals';
import { type Communicator, RankError } from '@easel/mpi';
import type { RunLength } from '../config/run-length.js';
import { Ranks } from '../ranks/ranks.js';
import type { LeftOutKind } from '../sources/left-out.js';
import type { SkippedPicture } from '../sources/picture-source.js';
import { type BestEvaluation, betterEvaluation } from './best-evaluation.js';
import { CheckpointSaver } from './checkpoint-saver.js';
import type { CheckpointState } from './checkpoint-store.js';
import { saveFailedBatch } from './failed-batch.js';
import type { LoadingEvent } from './loading.js';
import type { RunFolder } from './run-folder.js';
import { measuredPeak, SpeedMeter } from './speed-meter.js';
import { TrainingError } from './training-error.js';
import type { TrainingTask, UpdateResult } from './training-task.js';

/**
 * Time in ms that each step leaves to the event loop while a checkpoint is written in the
 * background. Opening, syncing and renaming files need it.
 */
const SAVING_MS = 3;

/**
 * The pictures that a run trains on. The event comes before the first step, and after the last step
 * if more pictures were left out.
 */
export interface PicturesEvent {
  readonly kind: 'pictures';
  readonly training: number;
  /** Number of left-out pictures by kind. `log` names them. */
  readonly failures: Readonly<Partial<Record<SkippedPicture['kind'], number>>>;
  readonly log: string;
}

/** Events that a run reports. */
export type TrainingEvent =
  | {
      readonly kind: 'step';
      /** Number of updates done, of `steps`. */
      readonly step: number;
      readonly steps: number;
      readonly epoch: number;
      readonly loss: number;
      readonly learningRate: number;
      readonly metrics: Readonly<Record<string, number>>;
      /** Speed of the training alone, over this sitting. */
      readonly samplesPerSecond: number;
      readonly tokensPerSecond?: number | undefined;
      /**
       * Share of this machine's peak of multiply-adds that the products of this sitting's updates
       * reach. It is undefined if either is not known.
       */
      readonly peakShare?: number | undefined;
      /**
       * Share of the updates' time that was not spent on data. It is undefined if the task doesn't
       * measure it.
       */
      readonly computeShare?: number | undefined;
      /** Resident memory of this process, in bytes. */
      readonly memoryBytes: number;
      readonly secondsLeft: number;
    }
  | {
      /** Comes before the first step, for a set with left-out rows. */
      readonly kind: 'data';
      readonly path: string;
      /** Number of rows of the set, left-out rows included. */
      readonly rows: number;
      readonly leftOut: Readonly<Partial<Record<LeftOutKind, number>>>;
    }
  | {
      readonly kind: 'evaluation';
      readonly step: number;
      readonly splits: Readonly<Record<string, Readonly<Record<string, number>>>>;
    }
  | PicturesEvent
  | LoadingEvent
  /** Comes before the first step of a run whose settings don't say its number of updates. */
  | ({ readonly kind: 'length' } & RunLength)
  | { readonly kind: 'checkpoint'; readonly step: number; readonly path: string };

/** Options of a training, for all kinds. */
export interface TrainingOptions {
  /** Run folder; made if it doesn't exist. */
  readonly out: string;
  /**
   * Whether the run goes on from the newest checkpoint in `out`, or starts if there is none.
   * Without it a folder with a run is refused.
   */
  readonly resume?: boolean;
  /** Stops the run after the present update, with a checkpoint. */
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: TrainingEvent) => void) | undefined;
  /**
   * The processes that train together (default: this one alone). Each of them calls the training
   * with the same config. Rank 0 has the run's folder; the events and results of the others are of
   * updates alone.
   */
  readonly communicator?: Communicator | undefined;
}

/** The result of a run. */
export interface TrainingResult {
  /** False if the signal stopped the run. It can then be resumed. */
  readonly complete: boolean;
  readonly step: number;
  /** Loss of the last update of this sitting; NaN if there was none. */
  readonly loss: number;
  /** Time spent training, over all sittings. */
  readonly seconds: number;
  /** Folder of the finished model, or of the newest checkpoint's. */
  readonly model: string;
  readonly checkpoint: string;
  /** The last evaluation of this sitting. */
  readonly splits: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/**
 * Runs a task from its run's checkpoint to the last step, with updates, metrics, evaluations and
 * checkpoints.
 *
 * After a checkpoint the model folder is renewed too. The loop gives other work a turn once a step.
 * Errors of the task are thrown on; the newest checkpoint is then as it was. If another of the ranks
 * gives up, a checkpoint of the updates so far is written first. The other ranks call
 * `followTraining`.
 */
export async function runTraining(
  run: RunFolder,
  task: TrainingTask,
  options: Pick<TrainingOptions, 'signal' | 'onEvent'>,
  ranks: Ranks = new Ranks(),
): Promise<TrainingResult> {
  const loop = new TrainingLoop(run, task, options, measuredPeak(), ranks);
  await run.log.addSitting();
  return loop.run();
}

/** One sitting of a run: its progress, and the parts of a step in their order. */
class TrainingLoop {
  private readonly folder: RunFolder;
  private readonly task: TrainingTask;
  private readonly options: Pick<TrainingOptions, 'signal' | 'onEvent'>;
  private readonly ranks: Ranks;
  private readonly saver: CheckpointSaver;
  private readonly speed: SpeedMeter;
  /** Number of updates done. */
  private step: number;
  private seconds: number;
  /** Loss of the last update of this sitting. */
  private loss = Number.NaN;
  /** Sum of the losses since the last line of the metrics, and the number of these updates. */
  private lossSum: number;
  private lossSteps: number;
  private best: BestEvaluation | null;
  private splits: TrainingResult['splits'] = {};
  private checkpoint: string;
  private savedAt = performance.now();
  /** Number of updates that the newest checkpoint has. */
  private savedStep: number;

  constructor(
    folder: RunFolder,
    task: TrainingTask,
    options: Pick<TrainingOptions, 'signal' | 'onEvent'>,
    peak: number | undefined,
    ranks: Ranks,
  ) {
    this.ranks = ranks;
    this.folder = folder;
    this.task = task;
    this.options = options;
    const from: CheckpointState | undefined = folder.resumed?.state;
    this.step = from?.step ?? 0;
    if (this.step > task.steps)
      throw new ConfigError(
        `Run folder ${folder.path}: the run has made ${this.step} updates already, more than the ${task.steps} that it is to have now. Raise steps.`,
      );
    this.savedStep = this.step;
    this.seconds = from?.seconds ?? 0;
    this.lossSum = from?.lossSum ?? 0;
    this.lossSteps = from?.lossSteps ?? 0;
    this.best = from?.best ?? null;
    this.checkpoint = folder.resumed?.path ?? '';
    this.speed = new SpeedMeter(task, peak);
    this.saver = new CheckpointSaver(folder, task, {
      ...task.pace.checkpoint,
      onSaved: ({ step }, path) => {
        this.checkpoint = path;
        options.onEvent?.({ kind: 'checkpoint', step, path });
      },
    });
  }

  async run(): Promise<TrainingResult> {
    const { folder, task, saver, ranks } = this;
    const start = this.step;
    try {
      let { stop } = await ranks.agree(this.wanted(false));
      while (this.step < task.steps && !stop) {
        await this.update();
        await giveWay(saver.isSaving ? SAVING_MS : 0);
        saver.check();
        await task.compareRanks?.(this.step);
        await this.drawSamples();
        const isBest = await this.evaluate();
        const decision = await ranks.agree(this.wanted(isBest || this.isCheckpointDue()));
        stop = decision.stop;
        if (decision.save || stop) await this.save();
      }
    } catch (error) {
      await saver.finish().catch(() => {}); // so that what it wrote is whole
      if (error instanceof RankError) throw await this.saved(error);
      throw error instanceof TrainingError ? await withWayBack(folder, error.message) : error;
    }
    await saver.finish();
    if (this.step === start) await folder.model.replace((path) => task.exportModel(path)); // nothing was left to do
    const { step, loss, seconds, checkpoint, splits } = this;
    return {
      complete: step === task.steps,
      step,
      loss,
      seconds,
      model: folder.model.path,
      checkpoint,
      splits,
    };
  }

  private wanted(save: boolean): { stop: boolean; save: boolean } {
    return { stop: this.options.signal?.aborted ?? false, save };
  }

  /**
   * Saves the updates that were made before another rank gave up: its error comes from an exchange,
   * and none takes place while weights change. Returns the error with what to do.
   */
  private async saved(error: RankError): Promise<RankError> {
    if (this.step > this.savedStep) {
      await this.save();
      await this.saver.finish();
    }
    const way =
      this.checkpoint === '' ? 'There is no checkpoint yet.' : `Go on from ${this.checkpoint} with --resume.`;
    return new RankError(error.rank, `${error.reason} ${way}`);
  }

  /** Whether an action with this pace is due now. At the last step everything is due. */
  private isDue(every: number): boolean {
    return this.step === this.task.steps || (every > 0 && this.step % every === 0);
  }

  /** Makes one update, with its line of the metrics and its event. */
  private async update(): Promise<void> {
    const { folder, task, speed } = this;
    const began = performance.now();
    const { loss, learningRate, metrics, statistics, ...effort } = await update(folder, task, this.step);
    const took = (performance.now() - began) / 1000;
    const step = ++this.step;
    this.seconds += took;
    speed.add(took, effort);
    this.loss = loss;
    this.lossSum += loss;
    this.lossSteps++;
    const { epoch } = task.position(step);
    const now = speed.now();
    const memoryBytes = process.memoryUsage.rss();
    if (this.isDue(task.pace.log.every)) {
      const lossMean = this.lossSum / this.lossSteps;
      const measured = rounded({ ...now, memoryMiB: memoryBytes / 2 ** 20, seconds: this.seconds });
      await folder.log.add({
        step,
        kind: 'train',
        epoch,
        loss,
        lossMean,
        learningRate,
        ...metrics,
        ...measured,
      });
      this.lossSum = 0;
      this.lossSteps = 0;
    }
    if (statistics !== undefined) await folder.log.addStatistics(step, statistics);
    this.options.onEvent?.({
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
  }

  private async drawSamples(): Promise<void> {
    const { task, step } = this;
    const every = task.pace.samples?.every ?? 0;
    if (every === 0 || !this.isDue(every) || task.drawSamples === undefined) return;
    const { picture, rows } = await task.drawSamples();
    await this.folder.log.addPicture('samples', step, picture, rows);
  }

  /**
   * Evaluates if it is due. Returns true if this is the best evaluation so far, by the config's
   * metric.
   */
  private async evaluate(): Promise<boolean> {
    const { folder, task, step } = this;
    if (!this.isDue(task.pace.evaluation.every)) return false;
    this.splits = await task.evaluate(step);
    for (const [split, numbers] of Object.entries(this.splits))
      await folder.log.add({ step, kind: split, ...numbers });
    this.options.onEvent?.({ kind: 'evaluation', step, splits: this.splits });
    const better = betterEvaluation(task.pace.checkpoint.best, this.splits, step, this.best);
    this.best = better ?? this.best;
    return better !== null;
  }

  private isCheckpointDue(): boolean {
    const { every, minutes } = this.task.pace.checkpoint;
    return this.isDue(every) || (minutes > 0 && performance.now() - this.savedAt >= minutes * 60_000);
  }

  private async save(): Promise<void> {
    const { task, step, seconds, lossSum, lossSteps, best } = this;
    await requireFiniteWeights(task, step);
    await this.saver.save({
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
    });
    this.savedAt = performance.now();
    this.savedStep = step;
  }
}

/** Rounds the known measurements to four digits and leaves out the unknown ones. */
function rounded(measured: Readonly<Record<string, number | undefined>>): Record<string, number> {
  const known = Object.entries(measured).filter((entry): entry is [string, number] => entry[1] !== undefined);
  return Object.fromEntries(known.map(([name, value]) => [name, Number(value.toPrecision(4))]));
}

/** Lets other work of the event loop go on, for so many milliseconds or one turn. */
async function giveWay(milliseconds: number): Promise<void> {
  const until = performance.now() + milliseconds;
  do await eventLoopTurn();
  while (performance.now() < until);
}

/** Makes an update. If it fails, its batch is saved in the run folder. */
async function update(run: RunFolder, task: TrainingTask, step: number): Promise<UpdateResult> {
  try {
    return await task.update(step);
  } catch (error) {
    if (!(error instanceof TrainingError)) throw error;
    const saved = await saveFailedBatch(run.path, await task.failedBatch(step));
    throw new TrainingError(`${error.message} Its batch is in ${saved}.`);
  }
}

/**
 * Throws TrainingError if a weight is no longer finite. A checkpoint of such weights would displace
 * a good one.
 */
async function requireFiniteWeights(task: TrainingTask, step: number): Promise<void> {
  const weights = task.checkpointParts().model ?? new Map();
  const norm = await globalNorm(weights);
  if (!Number.isFinite(norm))
    throw new TrainingError(`Training stopped after step ${step}: the norm of the weights is ${norm}.`);
}

async function withWayBack(run: RunFolder, message: string): Promise<TrainingError> {
  const newest = await run.checkpoints.newest();
  const back =
    newest === undefined ? 'There is no checkpoint yet.' : `The last good checkpoint is ${newest.path}.`;
  return new TrainingError(
    `${message} ${back} Try a lower learning rate, a longer warm-up or a smaller clipNorm.`,
  );
}
