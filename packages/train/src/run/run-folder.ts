import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, EaselError } from '@easel/core';
import { writeFileAtomic } from '@easel/core/internals/node';
import { settingsDifferences } from '../config/settings-differences.js';
import { type FolderLock, LOCK_NAME, lockFolder } from '../lock/folder-lock.js';
import type { SkippedPicture } from '../sources/picture-source.js';
import { type CheckpointState, CheckpointStore, readCheckpointState } from './checkpoint-store.js';
import { MetricsLog } from './metrics-log.js';
import { ModelFolder } from './model-folder.js';
import { OtherSettingsError } from './other-settings-error.js';

/** The settings of a run in the form in which its folder keeps and compares them. */
export interface RunSettings {
  /** All settings, with defaults filled in. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Paths of the settings that a resumed run may change, with all settings below them. */
  readonly free: readonly string[];
  /** Length of the run, in words. */
  readonly length: string | undefined;
  /**
   * Fills in settings that the run's config.json lacks because they did not exist when the run
   * began.
   */
  readonly complete?: (before: Record<string, unknown>) => Readonly<Record<string, unknown>>;
}

/** Options of opening a run's folder. */
export interface OpenRunOptions {
  /**
   * Whether the run goes on from the newest checkpoint. If there is none yet, the run starts anew.
   */
  readonly resume: boolean;
  /** Whether TensorBoard's event files are written too (default true). */
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
  /** The checkpoint from which the run goes on, or null at a fresh start. */
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
   * Opens the folder, makes it if necessary, and saves the settings in it. For a resumed run it
   * drops the log lines after the newest checkpoint.
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

  /** Names left-out pictures in skipped.jsonl, in place of those that an earlier sitting found. */
  async saveSkipped(skipped: readonly SkippedPicture[]): Promise<void> {
    if (skipped.length === 0) return;
    const lines = skipped.map((picture) => `${JSON.stringify(picture)}\n`);
    await writeFileAtomic(this.skippedLog, lines.join(''));
  }

  /** Path of the file that names left-out pictures. */
  get skippedLog(): string {
    return join(this.path, 'skipped.jsonl');
  }

  /** Releases the folder: another process may then take it. */
  async close(): Promise<void> {
    await removeUnbegun(this.path);
    await this.lock.release();
  }
}

function checkpointsOf(run: string): CheckpointStore {
  return new CheckpointStore(join(run, 'checkpoints'));
}

/**
 * Throws ConfigError if the folder has a run that this one may not continue. `step` is that of the
 * run's newest checkpoint.
 */
async function checkEarlierRun(
  path: string,
  settings: RunSettings,
  resume: boolean,
  step: number | undefined,
): Promise<void> {
  const before = await readFile(join(path, 'config.json'), 'utf8').catch(() => null);
  // A run that failed before its first logged step has left nothing to keep.
  if (before === null || (step === undefined && !(await MetricsLog.isBegun(path)))) return;
  if (!resume)
    throw new ConfigError(
      `Run folder ${path}: there is a run in it already${step === undefined ? '' : ` (step ${step}${settings.length === undefined ? '' : ` of ${settings.length}`})`}. Resume it, or choose another folder.`,
    );
  const old = JSON.parse(before) as Record<string, unknown>;
  const differences = settingsDifferences(settings.complete?.(old) ?? old, settings.values, settings.free);
  if (differences.length > 0) throw new OtherSettingsError(path, differences);
}

/** Removes unfinished folders of checkpoints and models that a killed process left. */
async function removeLeftovers(run: string): Promise<void> {
  await new ModelFolder(run).putBack();
  for (const folder of [run, join(run, 'checkpoints')])
    for (const name of await readdir(folder))
      if (/^\..*\.(partial|old)$/.test(name)) await rm(join(folder, name), { recursive: true, force: true });
}

/** What a run's folder holds before the run is begun, beside its lock. */
const UNBEGUN = ['config.json', 'checkpoints', 'metrics.jsonl'];

/**
 * Empties the folder of a run that failed before it was begun, as for data that can't be read: there
 * is nothing to go on from, and nothing else is touched.
 */
async function removeUnbegun(path: string): Promise<void> {
  const names = (await readdir(path)).filter((name) => name !== LOCK_NAME);
  if (names.some((name) => !UNBEGUN.includes(name))) return;
  const kept = await readdir(join(path, 'checkpoints')).catch(() => []);
  if (kept.length > 0 || (await MetricsLog.isBegun(path))) return;
  for (const name of names) await rm(join(path, name), { recursive: true, force: true });
}
