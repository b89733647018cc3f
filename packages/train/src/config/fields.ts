import { readFile } from 'node:fs/promises';
import { ConfigError, didYouMean } from '@easel/core';

/**
 * Reads one setting: `value` as it stands in the file (undefined if it is absent), `at` its place for messages. Returns the
 * value or its default; throws ConfigError for anything else.
 */
export interface Field<T> {
  (value: unknown, at: string): T;
  /** Of an object of settings: the fields that read them. */
  readonly fields?: Fields | undefined;
}

/** Fields by the names of their settings. */
export type Fields = Readonly<Record<string, Field<unknown>>>;

/** What a section of fields reads. */
export type Settings<F> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

/** Bounds of a number: `min` and `max` are allowed themselves, `above` and `below` aren't. */
interface Range {
  readonly min?: number;
  readonly above?: number;
  readonly max?: number;
  readonly below?: number;
}

/** A whole number; required if there is no default. */
export function integer(options: Range & { readonly default?: number } = {}): Field<number> {
  return number('a whole number', Number.isSafeInteger, options);
}

/** A finite number; required if there is no default. */
export function real(options: Range & { readonly default?: number } = {}): Field<number> {
  return number('a number', Number.isFinite, options);
}

function number(
  kind: string,
  accepts: (value: number) => boolean,
  options: Range & { readonly default?: number },
): Field<number> {
  const { min, above, max, below } = options;
  const bounds = Object.entries({ from: min, above, to: max, below })
    .flatMap(([word, bound]) => (bound === undefined ? [] : [` ${word} ${bound}`]))
    .join('');
  const within = (found: number) =>
    (min === undefined || found >= min) &&
    (above === undefined || found > above) &&
    (max === undefined || found <= max) &&
    (below === undefined || found < below);
  return (value, at) => {
    const found = value ?? options.default;
    if (typeof found !== 'number' || !accepts(found) || !within(found))
      throw mismatch(at, `${kind}${bounds}`, value);
    return found;
  };
}

/** A non-empty text; required if there is no default. */
export function text(options: { readonly default?: string } = {}): Field<string> {
  return (value, at) => {
    const found = value ?? options.default;
    if (typeof found !== 'string' || found === '') throw mismatch(at, 'a text', value);
    return found;
  };
}

/** true or false. */
export function flag(byDefault: boolean): Field<boolean> {
  return (value, at) => {
    const found = value ?? byDefault;
    if (typeof found !== 'boolean') throw mismatch(at, 'true or false', value);
    return found;
  };
}

/** One of some words; the first is the default unless another is named. */
export function choice<const W extends string>(
  words: readonly [W, ...W[]],
  byDefault: W = words[0],
): Field<W> {
  return (value, at) => {
    const found = value ?? byDefault;
    const word = words.find((candidate) => candidate === found);
    if (word === undefined) {
      const hint = typeof found === 'string' ? didYouMean(found, words) : '';
      throw mismatch(at, words.map((candidate) => `"${candidate}"`).join(' or '), value, hint);
    }
    return word;
  };
}

/** What `field` reads, or null if the setting is null or absent. */
export function optional<T>(field: Field<T>): Field<T | null> {
  return nullable(field, null);
}

/** What `field` reads, null if the setting is null, or the default if it is absent. */
export function nullable<T>(field: Field<T>, byDefault: T | null): Field<T | null> {
  const read = (value: unknown, at: string) =>
    value === undefined ? byDefault : value === null ? null : field(value, at);
  return Object.assign(read, { fields: field.fields });
}

/** A list whose entries `entry` reads. */
export function list<T>(entry: Field<T>, byDefault: readonly T[]): Field<readonly T[]> {
  return (value, at) => {
    const found = value ?? byDefault;
    if (!Array.isArray(found)) throw mismatch(at, 'a list', value);
    return found.map((item, i) => entry(item, `${at}[${i}]`));
  };
}

/** An object whose settings have names of the user's own; `entry` reads each. */
export function named<T>(entry: Field<T>): Field<Readonly<Record<string, T>>> {
  return (value, at) => {
    const found = value ?? {};
    if (typeof found !== 'object' || Array.isArray(found)) throw mismatch(at, 'an object of settings', value);
    return Object.fromEntries(
      Object.entries(found).map(([name, item]) => [name, entry(item, `${at}.${name}`)]),
    );
  };
}

/** Any JSON object, or a text that names a file with one. What is in it is checked elsewhere. */
export const objectOrFile: Field<Readonly<Record<string, unknown>> | string> = (value, at) => {
  if (typeof value === 'string' && value !== '') return value;
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw mismatch(at, 'an object of settings or the name of a JSON file', value);
};

/** An object with these settings and no others. Absent, it is as if it were empty: every default is filled in. */
export function section<F extends Fields>(fields: F): Field<Settings<F>> {
  const read = (value: unknown, at: string): Settings<F> => {
    const given = value ?? {};
    if (typeof given !== 'object' || Array.isArray(given)) throw mismatch(at, 'an object of settings', value);
    const names = Object.keys(fields);
    const inside = (name: string) => (at.endsWith(': ') ? `${at}${name}` : `${at}.${name}`);
    for (const name of Object.keys(given))
      if (!names.includes(name))
        throw new ConfigError(
          `${inside(name)}: there is no such setting.${didYouMean(name, names)} Settings here: ${names.join(', ')}.`,
        );
    return Object.fromEntries(
      names.map((name) => [
        name,
        (fields[name] as Field<unknown>)((given as Record<string, unknown>)[name], inside(name)),
      ]),
    ) as Settings<F>;
  };
  return Object.assign(read, { fields });
}

function mismatch(at: string, expected: string, value: unknown, hint = ''): ConfigError {
  const found = value === undefined ? 'it is missing' : `got ${JSON.stringify(value)}`;
  return new ConfigError(`${at}: expected ${expected}, ${found}.${hint}`);
}

/**
 * A raw config with one setting changed. `path` is its name, behind those of the objects around it: optimizer.beta1. Objects are made where absent.
 * Throws ConfigError for a path through a value that is no object; `place` says in it where the path stands. The config given is not changed.
 */
export function withSetting(
  config: Readonly<Record<string, unknown>>,
  path: string,
  value: unknown,
  place = path,
): Record<string, unknown> {
  const result = structuredClone(config) as Record<string, unknown>;
  const names = path.split('.');
  const last = names.pop() as string;
  let at = result;
  for (const name of names) {
    at[name] ??= {};
    const next = at[name];
    if (typeof next !== 'object' || Array.isArray(next))
      throw new ConfigError(`Setting '${place}': '${name}' is no object of settings.`);
    at = next as Record<string, unknown>;
  }
  at[last] = value;
  return result;
}

/**
 * Sets values in a raw config, as `--set optimizer.beta1=0.95` of a command does: the value is read as JSON, or as text where it
 * isn't JSON. Throws ConfigError for an assignment without '=' or through a value that is no object. The config given is not changed.
 */
export function withAssignments(
  config: Readonly<Record<string, unknown>>,
  assignments: readonly string[],
): Record<string, unknown> {
  let result: Record<string, unknown> = { ...config };
  for (const assignment of assignments) {
    const equals = assignment.indexOf('=');
    if (equals < 1)
      throw new ConfigError(`Setting '${assignment}': expected name=value, as in optimizer.beta1=0.95.`);
    const text = assignment.slice(equals + 1);
    let value: unknown = text;
    try {
      value = JSON.parse(text);
    } catch {} // a text
    result = withSetting(result, assignment.slice(0, equals), value, assignment);
  }
  return result;
}

/** The content of a JSON file. Throws ConfigError that names it if it is missing or not JSON. */
export async function readJsonFile(path: string): Promise<unknown> {
  const content = await readFile(path, 'utf8').catch((error: Error) => {
    throw new ConfigError(`${path}: can't be read (${error.message}).`);
  });
  try {
    return JSON.parse(content);
  } catch (error) {
    throw new ConfigError(`${path}: not JSON (${(error as Error).message}).`);
  }
}

/** What a training config's `model` says, itself or in the file that it names; `file`: its name for messages. */
export async function modelSettings(
  model: unknown,
): Promise<{ readonly json: unknown; readonly file: string }> {
  return typeof model === 'string'
    ? { json: await readJsonFile(model), file: model }
    : { json: model, file: 'model' };
}
