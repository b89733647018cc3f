import { ConfigError } from '@easel/core';
import {
  anything,
  type Field,
  integer,
  list,
  mismatch,
  named,
  objectOrFile,
  oneOf,
  optional,
  real,
  type Settings,
  section,
  text,
} from '@easel/core/config';

const range: Field<readonly [low: number, high: number]> = (value, at) => {
  const [low, high, ...more] = list(real(), [])(value, at);
  if (low === undefined || high === undefined || more.length > 0 || low >= high)
    throw mismatch(at, 'two numbers, the lower first', value);
  return [low, high];
};

const positiveRange: Field<readonly [low: number, high: number]> = (value, at) => {
  const [low, high] = range(value, at);
  if (low <= 0) throw mismatch(at, 'numbers above 0', value);
  return [low, high];
};

const parameterFields = {
  /** Each of these values, with each of the other grids' values. */
  grid: optional(list(anything, [], 1)),
  /** One of these values by chance, for each draw. */
  random: optional(list(anything, [], 1)),
  /** A number between these two by chance; all equally likely. */
  uniform: optional(range),
  /** A number between these two by chance; all powers of ten equally likely. */
  logUniform: optional(positiveRange),
};

/** How the values of one setting are found: exactly one of the ways. */
export type Parameter = Settings<typeof parameterFields>;

const readParameter = section(parameterFields);

const parameter: Field<Parameter> = (value, at) => {
  const read = readParameter(value, at);
  const ways = Object.entries(read).filter(([, way]) => way !== null);
  const [way] = ways;
  if (ways.length !== 1 || way === undefined)
    throw new ConfigError(
      `${at}: expected one of ${Object.keys(parameterFields).join(', ')}, got ${ways.length === 0 ? 'none' : ways.map(([name]) => name).join(' and ')}.`,
    );
  return read;
};

const parameters = named(parameter);

const fields = {
  kind: oneOf(['sweep']),
  /** Heading of table and page. */
  title: text({ default: 'sweep' }),
  /** What is said to come out, e.g. by a paper; table and page show it beside what did. */
  claim: optional(text()),
  /** Where that is said. */
  source: optional(text()),
  /** Settings of a run, or the name of their file (relative to the working folder). */
  base: objectOrFile,
  /** Settings of all runs that differ from the base, by path: {"schedule.warmupSteps": 20}. */
  set: named(anything),
  /** Settings that vary, by path. */
  parameters,
  /**
   * What else the runs differ in, by a name of its own: settings, and parameters that only this
   * variant has. None: one, without a name.
   */
  variants: named(section({ set: named(anything), parameters })),
  /** Draws of the random parameters; each goes with each combination of the grids. */
  runs: optional(integer({ min: 1 })),
  /** Seed of the draws. */
  drawSeed: integer({ min: 0, max: 2 ** 32 - 1, default: 0 }),
  /**
   * Every run is made with each of these as its `seed`, and the table shows means and spread. None:
   * with the base's seed.
   */
  seeds: list(integer({ min: 0, max: 2 ** 32 - 1 }), []),
  /** The number that is compared, split first. */
  metric: text({ default: 'eval.loss' }),
  goal: oneOf(['lowest', 'highest']),
  /** The number at the end of the run, or the best of its evaluations. */
  take: oneOf(['last', 'best']),
  /** Further numbers for the table. */
  columns: list(text(), []),
  /** A number against which the metric is plotted too, where one is paid for with the other. */
  against: optional(text()),
  /**
   * What stays of a finished run: everything, all but its checkpoints, or its settings and metrics
   * alone.
   */
  keep: oneOf(['all', 'model', 'metrics']),
};

/**
 * Settings of a sweep, all defaults filled in. Every field's meaning stands beside it in this file.
 */
export type SweepConfig = Settings<typeof fields>;

const read: Field<SweepConfig> = section(fields);

/**
 * Checks a sweep's settings and fills in its defaults; the settings of its runs are checked by
 * `sweepRuns`. `file` is its name for messages. Throws ConfigError for an unknown setting (naming
 * the nearest), a value out of range, and settings that don't go together.
 */
export function parseSweepConfig(json: unknown, file = 'sweep config'): SweepConfig {
  const config = read(json, `${file}: `);
  const places = [
    ['', config.parameters] as const,
    ...Object.entries(config.variants).map(
      ([name, variant]) => [`variants.${name}.`, variant.parameters] as const,
    ),
  ];
  const draws = places.some(([, all]) => Object.values(all).some(({ grid }) => grid === null));
  if (draws && config.runs === null)
    throw new ConfigError(
      `${file}: runs: expected the number of draws of the random parameters, it is missing.`,
    );
  if (!draws && config.runs !== null)
    throw new ConfigError(
      `${file}: runs: it is the number of draws of random parameters (random, uniform, logUniform), and there are none.`,
    );
  for (const [place, own] of places)
    for (const path of Object.keys(own))
      if (path === 'seed')
        throw new ConfigError(`${file}: ${place}parameters.seed: name the seeds as "seeds": [0, 1, …].`);
  for (const [name, variant] of Object.entries(config.variants))
    for (const path of Object.keys(variant.parameters))
      if (path in config.parameters)
        throw new ConfigError(
          `${file}: variants.${name}.parameters.${path}: it varies in all variants already. Name it in one place.`,
        );
  if (new Set(config.seeds).size < config.seeds.length)
    throw new ConfigError(`${file}: seeds: expected different ones, got ${JSON.stringify(config.seeds)}.`);
  return config;
}
