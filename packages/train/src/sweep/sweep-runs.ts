import { ConfigError, foldIn, foldInNames, type Key, prngKey, uniform } from '@easel/core';
import { withSetting } from '@easel/core/config';
import type { Parameter, SweepConfig } from './sweep-config.js';

/** One run of a sweep. */
export interface SweepRun {
  /** Name of the run's folder: number, variant and values. */
  readonly name: string;
  /** Name of the variant; '' if the sweep has no variants. */
  readonly variant: string;
  /** Values of the parameters by path. */
  readonly values: Readonly<Record<string, unknown>>;
  /** The run's seed. Null: the base's seed. */
  readonly seed: number | null;
  /** All settings of the run. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/**
 * Lists the runs of a sweep. Those of the first seed come first, so that a sweep that is cut short
 * has tried everything once.
 *
 * `base` holds the settings that `config.base` names. A random value depends only on drawSeed,
 * variant, path and the number of the draw. Throws ConfigError for a path that leads through a
 * value that is no object of settings.
 */
export function sweepRuns(config: SweepConfig, base: Readonly<Record<string, unknown>>): SweepRun[] {
  const variants = Object.entries(config.variants);
  const some = variants.length > 0 ? variants : [['', { set: {}, parameters: {} }] as const];
  const seeds = config.seeds.length > 0 ? config.seeds : [null];
  const found: Omit<SweepRun, 'name'>[] = [];
  for (const seed of seeds) {
    for (const [variant, own] of some) {
      for (const values of combinations({ ...config.parameters, ...own.parameters }, config, variant)) {
        let settings = base;
        const all = { ...config.set, ...own.set, ...values, ...(seed !== null && { seed }) };
        for (const [path, value] of Object.entries(all)) settings = withSetting(settings, path, value);
        found.push({ variant, values, seed, settings });
      }
    }
  }
  const digits = String(found.length - 1).length;
  return found.map((run, i) => ({ name: nameOf(run, String(i).padStart(digits, '0')), ...run }));
}

/** Lists every combination of the grids, once for each draw. */
function combinations(
  parameters: Readonly<Record<string, Parameter>>,
  { runs, drawSeed }: SweepConfig,
  variant: string,
): Record<string, unknown>[] {
  const random = Object.values(parameters).some(({ grid }) => grid === null);
  const key = foldInNames(prngKey(drawSeed), ['sweep', variant]);
  let found: Record<string, unknown>[] = [];
  for (let draw = 0; draw < (random ? (runs ?? 1) : 1); draw++) {
    let some: Record<string, unknown>[] = [{}];
    for (const [path, parameter] of Object.entries(parameters)) {
      const values = parameter.grid ?? [drawn(parameter, foldIn(foldInNames(key, [path]), draw))];
      some = some.flatMap((before) => values.map((value) => ({ ...before, [path]: value })));
    }
    found = [...found, ...some];
  }
  return found;
}

function drawn({ random, uniform: even, logUniform }: Parameter, key: Key): unknown {
  const share = uniform(key, [1])[0] as number;
  if (random !== null) return random[Math.floor(share * random.length)];
  const [low, high] = (even ?? logUniform) as readonly [number, number];
  const value = even === null ? low * (high / low) ** share : low + (high - low) * share;
  return Number(value.toPrecision(6));
}

/** Returns a folder name that describes the run: `07-adamw-learningRate=0.001-seed=1`. */
function nameOf({ variant, values, seed }: Omit<SweepRun, 'name'>, number: string): string {
  const parts = Object.entries({ ...values, ...(seed !== null && { seed }) }).map(
    ([path, value]) => `${path.split('.').at(-1)}=${typeof value === 'object' ? 'object' : String(value)}`,
  );
  return [number, ...(variant === '' ? [] : [variant]), ...parts]
    .join('-')
    .replace(/[^\w.=+-]+/g, '-')
    .slice(0, 120);
}

/** Throws ConfigError that names the first run whose settings `check` refuses. */
export function checkRuns(
  runs: readonly SweepRun[],
  check: (settings: Readonly<Record<string, unknown>>) => void,
): void {
  for (const run of runs) {
    try {
      check(run.settings);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      throw new ConfigError(`Run ${run.name}: ${error.message}`);
    }
  }
}
