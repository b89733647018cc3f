import { join } from 'node:path';
import { readRun } from '../report/read-run.js';
import type { SweepConfig } from './sweep-config.js';
import type { SweepRun } from './sweep-runs.js';

/** The result of one run. */
export interface RunRecord {
  readonly name: string;
  readonly variant: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly seed: number | null;
  readonly status: 'waiting' | 'done' | 'failed';
  /** The metric. Null if the run has none, e.g. because its loss became NaN. */
  readonly value: number | null;
  /** The last value of each of its numbers: `eval.loss`, `train.loss`, … */
  readonly numbers: Readonly<Record<string, number>>;
  /** Step of the run's last line of metrics. */
  readonly step: number;
  /** Seconds of work over all sittings, from the run's own metrics. Null if these don't say it. */
  readonly seconds: number | null;
  /** Why the run failed. */
  readonly failure?: string;
}

/** The results of runs that differ in their seed alone. */
export interface SettingResult {
  readonly variant: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** Mean of the metric over the runs that have it. Null if no run has it. */
  readonly mean: number | null;
  /** The greatest minus the least value of the metric. Null for fewer than two runs. */
  readonly spread: number | null;
  /** Means of the further numbers. */
  readonly numbers: Readonly<Record<string, number>>;
  readonly runs: readonly RunRecord[];
  readonly failed: number;
}

/** Points of one number of one run. */
export type RunCurve = readonly (readonly [step: number, value: number])[];

/** Reads all curves of a run by name. The map is empty if the folder has none yet. */
export async function curvesOfRun(folder: string): Promise<Map<string, RunCurve>> {
  const run = await readRun(folder).catch(() => null);
  return new Map((run?.curves ?? []).map(({ kind, name, points }) => [`${kind}.${name}`, points]));
}

/** Makes the record of a run that has ended. `failure` says why it failed. */
export async function recordOf(
  sweep: Pick<SweepConfig, 'metric' | 'goal' | 'take'>,
  run: SweepRun,
  folder: string,
  failure?: string,
): Promise<RunRecord> {
  const curves = await curvesOfRun(join(folder, run.name));
  const last = (points: RunCurve) => points.at(-1)?.[1] as number;
  const numbers = Object.fromEntries([...curves].map(([name, points]) => [name, last(points)]));
  const { name, variant, values, seed } = run;
  const seconds = Object.entries(numbers).find(([name]) => name.endsWith('.seconds'))?.[1] ?? null;
  const step = Math.max(0, ...[...curves.values()].map((points) => points.at(-1)?.[0] ?? 0));
  const common = { name, variant, values, seed, numbers, step, seconds };
  if (failure !== undefined) return { ...common, status: 'failed', value: null, failure };
  const points = curves.get(sweep.metric) ?? [];
  const all = points.map(([, value]) => value);
  const best = sweep.goal === 'lowest' ? Math.min(...all) : Math.max(...all);
  const value = points.length === 0 ? null : sweep.take === 'best' ? best : last(points);
  return { ...common, status: 'done', value };
}

/**
 * Ranks the settings that were tried. The best comes first, and settings without a number come
 * last. Waiting runs are left out.
 */
export function rankSettings(
  { goal }: Pick<SweepConfig, 'goal'>,
  records: readonly RunRecord[],
): SettingResult[] {
  const groups = new Map<string, RunRecord[]>();
  for (const record of records) {
    if (record.status === 'waiting') continue;
    const key = JSON.stringify([record.variant, record.values]);
    groups.set(key, [...(groups.get(key) ?? []), record]);
  }
  const results = [...groups.values()].map(settingOf);
  const sign = goal === 'lowest' ? 1 : -1;
  return results.sort((a, b) =>
    a.mean === null || b.mean === null
      ? Number(a.mean === null) - Number(b.mean === null)
      : sign * (a.mean - b.mean),
  );
}

function settingOf(runs: readonly RunRecord[]): SettingResult {
  const [first] = runs as [RunRecord];
  const values = runs.flatMap(({ value }) => (value === null ? [] : [value]));
  const done = runs.filter(({ status }) => status === 'done');
  const names = new Set(done.flatMap(({ numbers }) => Object.keys(numbers)));
  const mean = (all: readonly number[]) => all.reduce((sum, value) => sum + value, 0) / all.length;
  const numbers = [...names].map(
    (name) =>
      [
        name,
        mean(done.flatMap(({ numbers }) => (numbers[name] === undefined ? [] : [numbers[name]]))),
      ] as const,
  );
  return {
    variant: first.variant,
    values: first.values,
    mean: values.length === 0 ? null : mean(values),
    spread: values.length < 2 ? null : Math.max(...values) - Math.min(...values),
    numbers: Object.fromEntries(numbers),
    runs,
    failed: runs.filter(({ status }) => status === 'failed').length,
  };
}
