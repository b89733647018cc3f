import { existsSync } from 'node:fs';
import { appendFile, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError, ConfigError, EaselError } from '@easel/core';
import {
  type ArrayToSave,
  type HeldTensors,
  readSafetensors,
  saveSafetensors,
  writeFileAtomic,
} from '@easel/core/node';
import type * as tf from '@tensorflow/tfjs';
import { settingsDifferences } from '../config/settings-differences.js';
import type { SkippedPicture } from '../decoded/picture-batches.js';
import type { DataPosition } from '../encoded/epoch-order.js';
import { type FolderLock, lockFolder } from '../lock/folder-lock.js';
import type { BestEvaluation } from './best-evaluation.js';
import { EventFile, type EventValue } from './event-file.js';
import { thisSitting } from './sitting.js';
import type { WeightStatistics } from './weight-statistics.js';

/** Tensors of a checkpoint by file (model, optimizer, …) and name. */
export type CheckpointParts = Readonly<Record<string, ReadonlyMap<string, tf.Tensor>>>;
/** The same, held as they were. */
export type HeldParts = Readonly<Record<string, HeldTensors>>;

/** What a checkpoint holds beside tensors. */
export interface CheckpointState {
  readonly version: 1;
  /** Updates done. */
  readonly step: number;
  /** Rows or pictures seen. */
  readonly samples: number;
  /** Time spent training, over all sittings. */
  readonly seconds: number;
  /** The key from which the randomness of every step is derived. */
  readonly key: readonly [number, number];
  /** Where the data goes on. */
  readonly position: DataPosition;
  /** Digest of the training data. */
  readonly data: string;
  /** Loss summed over the steps since the last line of the metrics, and their number. */
  readonly lossSum: number;
  readonly lossSteps: number;
  /** The best evaluation so far, whose checkpoint is kept; null if the run doesn't look for one. */
  readonly best?: BestEvaluation | null;
}

/** A line of metrics.jsonl: `kind` is "train" or the evaluated split; the rest are numbers. */
export interface MetricsLine {
  readonly step: number;
  readonly kind: string;
  readonly [name: string]: number | string;
}

/** A batch that brought a run to its end. */
export interface FailedBatch {
  /** What is common to its samples: step, keys of the noise. */
  readonly about: Readonly<Record<string, unknown>>;
  /** One object a sample. */
  readonly samples: readonly object[];
  /** The samples as a PNG, where they are pictures. */
  readonly png?: Uint8Array | undefined;
}

/** A picture of several pictures. */
export interface Grid {
  readonly png: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Settings by path that don't touch a run's numbers, so that a resumed run may change them. */
const freeSettings = [
  'log',
  'checkpoint',
  'evaluation',
  'samples',
  'vqgan',
  'vqganParts',
  'exportDtype',
  'exportOriginal',
  'data.memoryLimit',
  'data.train', // its content is compared by digest
  'data.eval',
  'data.evals',
  'data.maxEvalRows',
  'data.repeatEpoch',
];

/**
 * The folder of one training run, held by this process:
 *
 *     config.json     the resolved settings
 *     metrics.jsonl   one line for each logged step and evaluation
 *     sittings.jsonl  when, on what machine and with what versions each sitting ran
 *     weights.jsonl   norms and histograms of weights and gradients, if the config asks for them
 *     tensorboard/    the same as TensorBoard's event files, one a sitting
 *     samples/, reconstructions/   a picture for each time that some were drawn
 *     failed-batch.json            what made the loss no number
 *     checkpoints/step-00001000/{model.safetensors, optimizer.safetensors, …, state.json}
 *     model/          the model of the newest checkpoint, ready for use
 *     lock            while a process trains
 *
 * A checkpoint is written into a temporary folder and renamed: after a crash it is either whole or not there.
 */
export class RunFolder {
  readonly path: string;
  /** The checkpoint to go on from, or null at a fresh start. */
  readonly resumed: { readonly path: string; readonly state: CheckpointState } | null;
  private readonly lock: FolderLock;
  private readonly tensorboard: boolean;
  /** Of this sitting; made when there is something to write. */
  private events: Promise<EventFile> | undefined;
  private constructor(path: string, lock: FolderLock, resumed: RunFolder['resumed'], tensorboard: boolean) {
    this.path = path;
    this.lock = lock;
    this.resumed = resumed;
    this.tensorboard = tensorboard;
  }

  /**
   * Opens the folder, makes it if need be, and saves the config in it.
   *
   * `tensorboard` (default true): write event files too. With `resume` the newest checkpoint is found and lines of the metrics after it are dropped; where there is none yet, the run
   * starts anew. Throws ConfigError if the folder holds a run and `resume` is off, or a run with other settings; EaselError if
   * another process trains in it or it can't be written to.
   */
  static async open(
    path: string,
    config: Readonly<Record<string, unknown>>,
    options: {
      readonly resume: boolean;
      readonly tensorboard?: boolean;
      /** Fills in the settings that the run's config.json lacks, since there were none of them when it was begun. */
      readonly complete?: (before: Record<string, unknown>) => Readonly<Record<string, unknown>>;
    },
  ): Promise<RunFolder> {
    await mkdir(join(path, 'checkpoints'), { recursive: true }).catch((error: Error) => {
      throw new EaselError(`Run folder ${path}: can't be made (${error.message}).`);
    });
    const lock = await lockFolder(path);
    try {
      const checkpoints = await listCheckpoints(path);
      const newest = checkpoints.at(-1) ?? null;
      const before = await readFile(join(path, 'config.json'), 'utf8').catch(() => null);
      // A run that failed before its first logged step has left nothing worth keeping.
      const begun =
        newest !== null || (await readFile(join(path, 'metrics.jsonl'), 'utf8').catch(() => '')) !== '';
      if (before !== null && begun) {
        if (!options.resume)
          throw new ConfigError(
            `Run folder ${path}: there is a run in it already${newest === null ? '' : ` (step ${newest.step} of ${runLength(config)})`}. Resume it, or choose another folder.`,
          );
        const old = JSON.parse(before) as Record<string, unknown>;
        refuseOtherSettings(path, options.complete?.(old) ?? old, config);
      }
      await writeFileAtomic(join(path, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
      await removeLeftovers(path);
      const resumed =
        newest === null
          ? null
          : { path: newest.path, state: await readState(join(newest.path, 'state.json')) };
      await dropMetricsAfter(join(path, 'metrics.jsonl'), resumed?.state.step ?? 0);
      if (existsSync(join(path, 'weights.jsonl')))
        await dropMetricsAfter(join(path, 'weights.jsonl'), resumed?.state.step ?? 0);
      return new RunFolder(path, lock, resumed, options.tensorboard ?? true);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** Adds a line to metrics.jsonl. */
  async log(line: MetricsLine): Promise<void> {
    await this.appendLine('metrics.jsonl', line);
    const { step, kind, ...rest } = line;
    const numbers = Object.entries(rest).filter(
      (entry): entry is [string, number] => typeof entry[1] === 'number',
    );
    await this.logEvents(
      step,
      numbers.map(([name, scalar]) => ({ tag: `${kind}/${name}`, scalar })),
    );
  }

  /** Adds what this sitting runs on to sittings.jsonl. */
  async logSitting(): Promise<void> {
    await this.appendLine('sittings.jsonl', thisSitting(this.resumed?.state.step ?? 0));
  }

  /** Adds a line to weights.jsonl. */
  async logStatistics(step: number, statistics: WeightStatistics): Promise<void> {
    await this.appendLine('weights.jsonl', { step, ...statistics });
    const { norms, histograms } = statistics;
    const values: EventValue[] = [];
    for (const part of ['gradients', 'parameters'] as const) {
      for (const [name, scalar] of Object.entries(norms?.[part] ?? {}))
        values.push({ tag: `${part}_norm/${name}`, scalar });
      for (const [name, { edges, ...rest }] of Object.entries(histograms?.[part] ?? {})) {
        const [min, max] = [edges[0] as number, edges.at(-1) as number];
        values.push({ tag: `${part}/${name}`, histogram: { ...rest, min, max, limits: edges.slice(1) } });
      }
    }
    await this.logEvents(step, values);
  }

  /** Saves pictures that were drawn after a step as RUN/kind/step-….png. Throws EaselError if they can't be written. */
  async logGrid(kind: string, step: number, { png, width, height }: Grid): Promise<void> {
    const folder = join(this.path, kind);
    await mkdir(folder, { recursive: true }).catch((error: Error) => {
      throw new EaselError(`Run folder ${this.path}: ${kind} can't be made (${error.message}).`);
    });
    await writeFileAtomic(join(folder, `${checkpointName(step)}.png`), png);
    await this.logEvents(step, [{ tag: kind, png, width, height }]);
  }

  /** Writes failed-batch.json, a sample a line, and failed-batch.png if it has pictures. Returns the path of the former. */
  async saveFailedBatch({ about, samples, png }: FailedBatch): Promise<string> {
    const path = join(this.path, 'failed-batch.json');
    const head = JSON.stringify(about).slice(0, -1);
    const lines = samples.map((sample) => `  ${JSON.stringify(sample)}`).join(',\n');
    await writeFileAtomic(path, `${head},\n"samples":[\n${lines}\n]}\n`);
    if (png !== undefined) await writeFileAtomic(join(this.path, 'failed-batch.png'), png);
    return path;
  }

  private async appendLine(file: string, line: object): Promise<void> {
    await appendFile(join(this.path, file), `${JSON.stringify(line)}\n`).catch((error: Error) => {
      throw new EaselError(`Run folder ${this.path}: ${file} can't be written (${error.message}).`);
    });
  }

  private async logEvents(step: number, values: readonly EventValue[]): Promise<void> {
    if (!this.tensorboard || values.length === 0) return;
    this.events ??= EventFile.create(join(this.path, 'tensorboard'), this.resumed?.state.step ?? 0);
    await (await this.events).write(step, values);
  }

  /** Names pictures that were passed over in skipped.jsonl, in place of what an earlier sitting found. */
  async logSkipped(skipped: readonly SkippedPicture[]): Promise<void> {
    if (skipped.length === 0) return;
    const lines = skipped.map((picture) => `${JSON.stringify(picture)}\n`);
    await writeFileAtomic(join(this.path, 'skipped.jsonl'), lines.join(''));
  }

  /**
   * Writes a checkpoint and removes all but the newest `keep` and that of the best evaluation. Returns its path.
   * Throws EaselError if it can't be written; older checkpoints are then untouched.
   */
  async saveCheckpoint(
    parts: CheckpointParts | HeldParts,
    state: CheckpointState,
    keep: number,
  ): Promise<string> {
    const name = checkpointName(state.step);
    const path = join(this.path, 'checkpoints', name);
    const temporary = join(this.path, 'checkpoints', `.${name}.partial`);
    try {
      await rm(temporary, { recursive: true, force: true });
      await mkdir(temporary);
      await allDone(
        Object.entries(parts).map(([part, tensors]) =>
          saveSafetensors(join(temporary, `${part}.safetensors`), tensors, { dtype: 'F32' }),
        ),
      );
      await writeFileAtomic(join(temporary, 'state.json'), `${JSON.stringify(state, null, 2)}\n`);
      await syncFolder(temporary);
      await rm(path, { recursive: true, force: true });
      await rename(temporary, path);
      await syncFolder(join(this.path, 'checkpoints'));
    } catch (error) {
      await rm(temporary, { recursive: true, force: true }).catch(() => {});
      const older = await this.newestCheckpoint();
      throw new EaselError(
        `Checkpoint of step ${state.step}: can't be written to ${path} (${(error as Error).message}). ${older === undefined ? 'There is no older one.' : `The last good one is ${older}; resume from it.`}`,
      );
    }
    const all = await listCheckpoints(this.path);
    for (const old of all.slice(0, Math.max(0, all.length - keep)))
      if (old.step !== state.best?.step) await rm(old.path, { recursive: true, force: true });
    return path;
  }

  /** Path of the newest checkpoint. */
  async newestCheckpoint(): Promise<string | undefined> {
    return (await listCheckpoints(this.path)).at(-1)?.path;
  }

  /**
   * Replaces RUN/model by what `write` puts into the folder it is given, once `checkpoint` is there. Throws EaselError if it can't be written, and what
   * `checkpoint` throws; the model is then as it was.
   */
  async saveModel(
    write: (folder: string) => Promise<void>,
    checkpoint: Promise<unknown> = Promise.resolve(),
  ): Promise<string> {
    const path = join(this.path, 'model');
    const fresh = join(this.path, '.model.partial');
    const old = join(this.path, '.model.old');
    const writeFresh = async () => {
      await rm(fresh, { recursive: true, force: true });
      await mkdir(fresh);
      await write(fresh);
    };
    const putFresh = async () => {
      await rm(old, { recursive: true, force: true });
      await rename(path, old).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
      await rename(fresh, path);
      await rm(old, { recursive: true, force: true });
    };
    const ofModel = (work: Promise<void>) =>
      work.catch((error: Error) => {
        throw new EaselError(`Model ${path}: can't be written (${error.message}).`);
      });
    try {
      await allDone([ofModel(writeFresh()), checkpoint]);
      await ofModel(putFresh());
      return path;
    } catch (error) {
      await rm(fresh, { recursive: true, force: true }).catch(() => {});
      throw error;
    }
  }

  /** Gives the folder free. */
  async close(): Promise<void> {
    await this.lock.release();
  }
}

/** Waits for all, whether they fail or not; then throws what the first of the failed ones did. */
export async function allDone(work: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason;
}

/** The numbers of one file of a checkpoint by name. Throws CheckpointError if it is missing or damaged. */
export async function readCheckpointPart(
  checkpoint: string,
  part: string,
): Promise<Map<string, ArrayToSave>> {
  const path = join(checkpoint, `${part}.safetensors`);
  return readSafetensors(path).catch((error: Error) => {
    if (error instanceof EaselError) throw error;
    throw new CheckpointError(
      `${path}: can't be read (${error.message}). Remove that checkpoint's folder to resume from the one before.`,
    );
  });
}

/** How long a run with these settings is, in words. */
export function runLength({ steps, epochs }: Readonly<Record<string, unknown>>): string {
  return steps == null ? `${String(epochs)} epochs` : String(steps);
}

function checkpointName(step: number): string {
  return `step-${String(step).padStart(8, '0')}`;
}

/** Whole checkpoints of a run, oldest first. */
async function listCheckpoints(run: string): Promise<{ readonly path: string; readonly step: number }[]> {
  const names = await readdir(join(run, 'checkpoints')).catch(() => []);
  return names
    .flatMap((name) => {
      const step = /^step-(\d+)$/.exec(name)?.[1];
      return step === undefined ? [] : [{ path: join(run, 'checkpoints', name), step: Number(step) }];
    })
    .sort((a, b) => a.step - b.step);
}

async function readState(path: string): Promise<CheckpointState> {
  try {
    const state = JSON.parse(await readFile(path, 'utf8')) as CheckpointState;
    if (state.version === 1 && Number.isInteger(state.step)) return state;
  } catch {}
  throw new EaselError(
    `Checkpoint state ${path}: missing or damaged. Remove that checkpoint's folder to resume from the one before.`,
  );
}

/** Folders of checkpoints and models that a killed process didn't finish; a model that it took away without a new one is put back. */
async function removeLeftovers(run: string): Promise<void> {
  await rename(join(run, '.model.old'), join(run, 'model')).catch(() => {}); // fails where there is a model, or none to put back
  for (const folder of [run, join(run, 'checkpoints')])
    for (const name of await readdir(folder))
      if (/^\..*\.(partial|old)$/.test(name)) await rm(join(folder, name), { recursive: true, force: true });
}

async function dropMetricsAfter(path: string, step: number): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const kept = text.split('\n').filter((line) => {
    try {
      return (JSON.parse(line) as MetricsLine).step <= step;
    } catch {
      return false; // the last line of a killed process
    }
  });
  await writeFileAtomic(path, kept.map((line) => `${line}\n`).join(''));
}

function refuseOtherSettings(
  run: string,
  before: Readonly<Record<string, unknown>>,
  now: Readonly<Record<string, unknown>>,
): void {
  const differences = settingsDifferences(before, now, freeSettings);
  if (differences.length > 0)
    throw new ConfigError(
      `Run folder ${run}: its run has other settings: ${differences.join('; ')}. Resume with the config it was begun with (config.json in it), or choose another folder.`,
    );
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
