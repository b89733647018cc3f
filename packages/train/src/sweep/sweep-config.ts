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
  /** Each of these values is combined with each value of the other grids. */
  grid: optional(list(anything, [], 1)),
  /** Each draw takes one of these values by chance. */
  random: optional(list(anything, [], 1)),
  /** Each draw takes a number between these two by chance. All are equally likely. */
  uniform: optional(range),
  /** Each draw takes a number between these two by chance. All powers of ten are equally likely. */
  logUniform: optional(positiveRange),
};

/** How the values of one setting are found. Exactly one of the ways is given. */
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
  /** Heading of the table and the page. */
  title: text({ default: 'sweep' }),
  /**
   * The result that someone claims, e.g. a paper. Table and page show it beside the actual result.
   */
  claim: optional(text()),
  /** Where the claim was made. */
  source: optional(text()),
  /** Settings of a run, or the path of their file, relative to the working folder. */
  base: objectOrFile,
  /** Settings, by path, in which all runs differ from the base: {"schedule.warmupSteps": 20}. */
  set: named(anything),
  /** Settings that vary between the runs, by path. */
  parameters,
  /**
   * Variants by name. A variant has settings, and parameters that only it has. Without any, the
   * sweep has one variant without a name.
   */
  variants: named(section({ set: named(anything), parameters })),
  /**
   * Number of draws of the random parameters. Each draw is combined with each combination of the
   * grids.
   */
  runs: optional(integer({ min: 1 })),
  /** Seed of the draws. */
  drawSeed: integer({ min: 0, max: 2 ** 32 - 1, default: 0 }),
  /**
   * Every run is repeated with each of these as its `seed`, and the table shows means and spread.
   * Without any, every run is made once, with the base's seed.
   */
  seeds: list(integer({ min: 0, max: 2 ** 32 - 1 }), []),
  /** The number that is compared. The split comes first: `eval.loss`. */
  metric: text({ default: 'eval.loss' }),
  goal: oneOf(['lowest', 'highest']),
  /** Whether the last number of a run counts, or the best of its evaluations. */
  take: oneOf(['last', 'best']),
  /** Further numbers that the table shows. */
  columns: list(text(), []),
  /** A number against which the metric is also plotted, e.g. if one is paid for with the other. */
  against: optional(text()),
  /**
   * The files of a finished run that stay: all of them, all but its checkpoints, or only its
   * settings and metrics.
   */
  keep: oneOf(['all', 'model', 'metrics']),
};

/**
 * Settings of a sweep with all defaults filled in. The meaning of each field stands beside it in
 * this file.
 */
export type SweepConfig = Settings<typeof fields>;

const read: Field<SweepConfig> = section(fields);

/**
 * Checks a sweep's settings and fills in its defaults. `checkRuns` checks the settings of its runs.
 * `file` is its name for messages. Throws ConfigError for an unknown setting (naming the nearest
 * one), a value out of range, and settings that don't go together.
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
