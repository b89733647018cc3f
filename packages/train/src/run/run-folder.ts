import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, EaselError } from '@easel/core';
import { writeFileAtomic } from '@easel/core/internals/node';
import { settingsDifferences } from '../config/settings-differences.js';
import { type FolderLock, lockFolder } from '../lock/folder-lock.js';
import type { SkippedPicture } from '../sources/picture-source.js';
import { type CheckpointState, CheckpointStore, readCheckpointState } from './checkpoint-store.js';
import { MetricsLog } from './metrics-log.js';
import { ModelFolder } from './model-folder.js';

/** The settings of a run, as its folder keeps and compares them. */
export interface RunSettings {
  /** All of them, defaults filled in. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Paths of those that a resumed run may change, with all below them. */
  readonly free: readonly string[];
  /** How long the run is, in words. */
  readonly length: string | undefined;
  /**
   * Fills in what the run's config.json lacks because there was no such setting when it was begun.
   */
  readonly complete?: (before: Record<string, unknown>) => Readonly<Record<string, unknown>>;
}

/** How a run's folder is opened. */
export interface OpenRunOptions {
  /** Go on from the newest checkpoint; where there is none yet, the run starts anew. */
  readonly resume: boolean;
  /** Write TensorBoard's event files too (true). */
  readonly tensorboard?: boolean;
}

/**
 * The folder of one training run, held by this process:
 *
 *     config.json     the resolved settings
 *     skipped.jsonl   pictures that were passed over, and why
 *     checkpoints/    see CheckpointStore
 *     model/          the model of the newest checkpoint, ready for use
 *     lock            while a process trains
 *     failed-batch.json               what made the loss no number
 *     metrics.jsonl, tensorboard/, …  see MetricsLog
 */
export class RunFolder {
  readonly path: string;
  readonly checkpoints: CheckpointStore;
  readonly model: ModelFolder;
  readonly log: MetricsLog;
  /** The checkpoint to go on from, or null at a fresh start. */
  readonly resumed: { readonly path: string; readonly state: CheckpointState } | null;
  private readonly lock: FolderLock;

  private constructor(path: string, lock: FolderLock, log: MetricsLog, resumed: RunFolder['resumed']) {
    this.path = path;
    this.lock = lock;
    this.log = log;
    this.resumed = resumed;
    this.checkpoints = checkpointsOf(path);
    this.model = new ModelFolder(path);
  }

  /**
   * Opens the folder, makes it if need be, and saves the settings in it. Of a resumed run, what was
   * logged after its newest checkpoint is dropped.
   *
   * Throws ConfigError if the folder holds a run and `resume` is off, or a run with other settings;
   * EaselError if another process trains in it or it can't be written to.
   */
  static async open(path: string, settings: RunSettings, options: OpenRunOptions): Promise<RunFolder> {
    await mkdir(join(path, 'checkpoints'), { recursive: true }).catch((error: Error) => {
      throw new EaselError(`Run folder ${path}: can't be made (${error.message}).`);
    });
    const lock = await lockFolder(path);
    try {
      const newest = await checkpointsOf(path).newest();
      await checkEarlierRun(path, settings, options.resume, newest?.step);
      await writeFileAtomic(join(path, 'config.json'), `${JSON.stringify(settings.values, null, 2)}\n`);
      await removeLeftovers(path);
      const resumed =
        newest === undefined ? null : { path: newest.path, state: await readCheckpointState(newest.path) };
      const log = await MetricsLog.open(path, resumed?.state.step ?? 0, options.tensorboard ?? true);
      return new RunFolder(path, lock, log, resumed);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /**
   * Names pictures that were passed over in skipped.jsonl, in place of what an earlier sitting
   * found.
   */
  async saveSkipped(skipped: readonly SkippedPicture[]): Promise<void> {
    if (skipped.length === 0) return;
    const lines = skipped.map((picture) => `${JSON.stringify(picture)}\n`);
    await writeFileAtomic(this.skippedLog, lines.join(''));
  }

  /** Where pictures that were passed over are named. */
  get skippedLog(): string {
    return join(this.path, 'skipped.jsonl');
  }

  /** Releases the folder: another process may then take it. */
  async close(): Promise<void> {
    await this.lock.release();
  }
}

function checkpointsOf(run: string): CheckpointStore {
  return new CheckpointStore(join(run, 'checkpoints'));
}

/**
 * Throws ConfigError if there is a run in the folder that this one may not go on with. `step`: of
 * its newest checkpoint.
 */
async function checkEarlierRun(
  path: string,
  settings: RunSettings,
  resume: boolean,
  step: number | undefined,
): Promise<void> {
  const before = await readFile(join(path, 'config.json'), 'utf8').catch(() => null);
  // A run that failed before its first logged step has left nothing worth keeping.
  if (before === null || (step === undefined && !(await MetricsLog.isBegun(path)))) return;
  if (!resume)
    throw new ConfigError(
      `Run folder ${path}: there is a run in it already${step === undefined ? '' : ` (step ${step}${settings.length === undefined ? '' : ` of ${settings.length}`})`}. Resume it, or choose another folder.`,
    );
  const old = JSON.parse(before) as Record<string, unknown>;
  const differences = settingsDifferences(settings.complete?.(old) ?? old, settings.values, settings.free);
  if (differences.length > 0)
    throw new ConfigError(
      `Run folder ${path}: its run has other settings: ${differences.join('; ')}. Resume with the config it was begun with (config.json in it), or choose another folder.`,
    );
}

/** Removes what a killed process didn't finish: folders of checkpoints and models. */
async function removeLeftovers(run: string): Promise<void> {
  await new ModelFolder(run).putBack();
  for (const folder of [run, join(run, 'checkpoints')])
    for (const name of await readdir(folder))
      if (/^\..*\.(partial|old)$/.test(name)) await rm(join(folder, name), { recursive: true, force: true });
}
