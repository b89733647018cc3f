import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, EaselError } from '@easel/core';
import { didYouMean } from '@easel/core/internals';
import { writeFileAtomic } from '@easel/core/internals/node';
import { readJsonFile } from '@easel/core/node';
import { settingsDifferences } from '../config/settings-differences.js';
import { lockFolder } from '../lock/folder-lock.js';
import { TrainingError } from '../run/training-error.js';
import type { SweepConfig } from './sweep-config.js';
import type { SweepKind } from './sweep-kind.js';
import { type RunRecord, rankSettings, recordOf, type SettingResult } from './sweep-results.js';
import { checkRuns, type SweepRun, sweepRuns } from './sweep-runs.js';
import { resultsCsv } from './sweep-table.js';

/** Events that a sweep reports. */
export type SweepEvent =
  | {
      readonly kind: 'progress';
      /** Index of the run, from 0, and the number of runs. */
      readonly index: number;
      readonly runs: number;
      readonly name: string;
      /**
       * Units of all runs. Those done in earlier sittings are included. A run that failed early
       * adds no further units.
       */
      readonly done: number;
      readonly total: number;
      readonly unit: string;
      readonly note: string;
    }
  | { readonly kind: 'run'; readonly index: number; readonly runs: number; readonly record: RunRecord };

/** Options of a sweep, beside its config. */
export interface SweepOptions {
  /** Folder of the sweep. It is made if it doesn't exist. */
  readonly out: string;
  /**
   * Whether the sweep goes on where an earlier sitting stopped, if there was one. Without it a
   * folder with a sweep is refused.
   */
  readonly resume?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: SweepEvent) => void) | undefined;
}

/** The result of a sweep. */
export interface SweepResult {
  /** False if the signal stopped it. */
  readonly complete: boolean;
  /** The records, in the order of the runs. */
  readonly records: readonly RunRecord[];
  /** The settings, the best first. */
  readonly settings: readonly SettingResult[];
}

/** A sweep with its base read and its runs checked. */
export interface PlannedSweep {
  readonly config: SweepConfig;
  readonly kind: SweepKind;
  readonly base: Readonly<Record<string, unknown>>;
  readonly runs: readonly SweepRun[];
  /** Units of progress of each run; null if only the run itself can tell. */
  readonly units: readonly (number | null)[];
}

/** Settings that may change while a sweep is half done, because they touch no run. */
const FREE_SETTINGS = [
  'title',
  'claim',
  'source',
  'metric',
  'goal',
  'take',
  'columns',
  'against',
  'keep',
  'base',
];

/**
 * Reads a sweep's base, lists its runs and checks the settings of each. Throws ConfigError that
 * names the run and the setting. For an unknown kind the error names the nearest kind.
 */
export async function planSweep(config: SweepConfig, kinds: readonly SweepKind[]): Promise<PlannedSweep> {
  const base = await inlined(config.base, 'base');
  // A file of model settings is read here, so that single settings of the model can vary.
  if (typeof base.model === 'string' && base.model.endsWith('.json'))
    base.model = await inlined(base.model, 'base.model');
  const names = kinds.map(({ name }) => name);
  const name = base.kind ?? 'seq2seq';
  const kind = kinds.find((one) => one.name === name);
  if (kind === undefined)
    throw new ConfigError(
      `Sweep: base.kind: expected ${names.map((word) => `"${word}"`).join(' or ')}, got ${JSON.stringify(name)}.${didYouMean(String(name), names)}`,
    );
  const runs = sweepRuns(config, base);
  const units: (number | null)[] = [];
  checkRuns(runs, (settings) => units.push(kind.check(settings)));
  return { config, kind, base, runs, units };
}

async function inlined(
  settings: Readonly<Record<string, unknown>> | string,
  name: string,
): Promise<Record<string, unknown>> {
  if (typeof settings !== 'string') return { ...settings };
  const json = await readJsonFile(settings);
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new ConfigError(`Sweep: ${name}: expected an object of settings in ${settings}.`);
  return json as Record<string, unknown>;
}

/**
 * Makes the runs of a sweep one after the other, each in a folder of its own:
 *
 *     sweep.json      the sweep's settings, its base's, and those of every run
 *     runs/NAME/      a run's folder, as its kind writes it
 *     results.json, results.csv   the result of each run; written anew after each
 *     lock            held while a process works at the sweep
 *
 * A run that ends in a TrainingError is recorded as failed, and the sweep goes on. A resumed sweep
 * goes on within the unfinished run. It does not repeat finished runs. Throws ConfigError if the
 * folder holds a sweep and `resume` is off, and for a sweep with other settings, which it names.
 * Throws EaselError if another process works at the sweep. Passes on any other error of a run, with
 * the run's name before its message.
 */
export async function runSweep(planned: PlannedSweep, options: SweepOptions): Promise<SweepResult> {
  const { config, kind, runs, units } = planned;
  const { out, signal, onEvent } = options;
  await mkdir(join(out, 'runs'), { recursive: true });
  const lock = await lockFolder(out);
  try {
    const records = await openRecords(planned, options);
    const work = new Workload(units, records);
    for (const [i, run] of runs.entries()) {
      const known = records[i] as RunRecord;
      if (known.status !== 'waiting') continue;
      if (signal?.aborted) break;
      const folder = join(out, 'runs', run.name);
      const place = { index: i, runs: runs.length };
      const onProgress = (done: number, ofRun: number, note: string) => {
        work.reached(i, done, ofRun);
        onEvent?.({ kind: 'progress', ...place, name: run.name, ...work.counts(), unit: kind.unit, note });
      };
      let failure: string | undefined;
      try {
        if (!(await kind.run(run.settings, { out: folder, signal, onProgress }))) break;
      } catch (error) {
        if (!(error instanceof TrainingError)) throw inRun(error, run);
        failure = error.message;
      }
      work.ended(i);
      const record = await recordOf(config, run, join(out, 'runs'), failure);
      if (record.status === 'done' && record.value === null)
        throw new ConfigError(
          `Sweep: metric: run ${run.name} has no number "${config.metric}".${didYouMean(config.metric, Object.keys(record.numbers))} It has: ${Object.keys(record.numbers).join(', ')}.`,
        );
      records[i] = record;
      await saveResults(out, config, records);
      await removeUnkept(folder, config.keep);
      onEvent?.({ kind: 'run', ...place, record });
    }
    await saveResults(out, config, records);
    const complete = records.every(({ status }) => status !== 'waiting');
    return { complete, records, settings: rankSettings(config, records) };
  } finally {
    await lock.release();
  }
}

/**
 * The amount of work of a sweep. A run that failed early leaves no work. A run of unknown length
 * counts as long as the newest one of known length.
 */
class Workload {
  private readonly units: (number | null)[];
  private readonly done: number[];
  private newest = 0;

  constructor(units: readonly (number | null)[], records: readonly RunRecord[]) {
    this.units = units.map((count, i) => {
      const { status, step } = records[i] as RunRecord;
      return status === 'waiting' ? count : status === 'failed' ? step : (count ?? step);
    });
    this.done = records.map(({ status }, i) => (status === 'waiting' ? 0 : (this.units[i] ?? 0)));
  }

  reached(run: number, done: number, ofRun: number): void {
    this.units[run] = ofRun;
    this.done[run] = done;
    this.newest = ofRun;
  }

  ended(run: number): void {
    this.units[run] = this.done[run] as number;
  }

  counts(): { readonly done: number; readonly total: number } {
    const sum = (all: readonly number[]) => all.reduce((total, count) => total + count, 0);
    return { done: sum(this.done), total: sum(this.units.map((count) => count ?? this.newest)) };
  }
}

/**
 * Returns the records of an earlier sitting. Unfinished runs are waiting. Without an earlier
 * sitting all runs are waiting.
 */
async function openRecords(
  planned: PlannedSweep,
  { out, resume = false }: SweepOptions,
): Promise<RunRecord[]> {
  const { config, runs, base } = planned;
  const path = join(out, 'sweep.json');
  const now = {
    sweep: { ...config, base },
    runs: Object.fromEntries(runs.map(({ name, settings }) => [name, settings])),
  };
  if (existsSync(path)) {
    if (!resume)
      throw new ConfigError(
        `Sweep folder ${out}: there is a sweep in it already. Resume it, or choose another folder.`,
      );
    const before = (await readJsonFile(path)) as typeof now;
    const differences = [
      ...settingsDifferences(before.sweep, now.sweep, FREE_SETTINGS),
      ...settingsDifferences(before.sweep.base, base).map((line) => `base: ${line}`),
    ];
    if (differences.length > 0)
      throw new ConfigError(
        `Sweep folder ${out}: its sweep was begun with other settings: ${differences.join('; ')}. Resume with the settings it was begun with (sweep.json in it), or choose another folder.`,
      );
  }
  await writeFileAtomic(path, `${JSON.stringify(now, null, 2)}\n`);
  const earlier = await readFile(join(out, 'results.json'), 'utf8').catch(() => null);
  const found = new Map(
    ((earlier === null ? [] : JSON.parse(earlier).runs) as RunRecord[]).map((record) => [
      record.name,
      record,
    ]),
  );
  const records: RunRecord[] = [];
  for (const run of runs) {
    const { name, variant, values, seed } = run;
    const record = found.get(name);
    // The metric may have changed since then, so it is read again.
    if (record?.status === 'done') records.push(await recordOf(config, run, join(out, 'runs')));
    else if (record?.status === 'failed') records.push(record);
    else
      records.push({
        name,
        variant,
        values,
        seed,
        status: 'waiting',
        value: null,
        numbers: {},
        step: 0,
        seconds: null,
      });
  }
  return records;
}

async function saveResults(out: string, config: SweepConfig, records: readonly RunRecord[]): Promise<void> {
  const { title, metric, goal, take, claim, source } = config;
  const results = { title, metric, goal, take, claim, source, runs: records };
  await writeFileAtomic(join(out, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
  await writeFileAtomic(join(out, 'results.csv'), resultsCsv(config, records));
}

async function removeUnkept(folder: string, keep: SweepConfig['keep']): Promise<void> {
  const unkept =
    keep === 'all' ? [] : keep === 'model' ? ['checkpoints'] : ['checkpoints', 'model', 'tensorboard'];
  for (const name of unkept) await rm(join(folder, name), { recursive: true, force: true });
}

/** Puts the name of the run before the message of an error that the user can mend. */
function inRun(error: unknown, run: SweepRun): unknown {
  if (!(error instanceof EaselError)) return error;
  const Kind = error.constructor as new (message: string) => EaselError;
  return new Kind(`Run ${run.name}: ${error.message}`);
}
