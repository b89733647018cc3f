import { ConfigError, didYouMean } from '../errors.js';
import { showValue } from './show-value.js';

/**
 * Reads one setting. `value` is what stands in the file (undefined if it is absent), and `at` its
 * place for messages. Returns the value or its default. Throws ConfigError for anything else.
 */
export interface Field<T> {
  (value: unknown, at: string): T;
  /** If this reads an object of settings: the fields that read them. */
  readonly fields?: Fields | undefined;
}

/** Fields by the names of their settings. */
export type Fields = Readonly<Record<string, Field<unknown>>>;

/** What a section of fields reads. */
export type Settings<F> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

/** Bounds of a number. `min` and `max` are allowed themselves; `above` and `below` are not. */
export interface Range {
  readonly min?: number;
  readonly above?: number;
  readonly max?: number;
  readonly below?: number;
}

/** A whole number. It is required if there is no default. */
export function integer(options: Range & { readonly default?: number } = {}): Field<number> {
  return number('a whole number', Number.isSafeInteger, options);
}

/** A finite number. It is required if there is no default. */
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

/** A text that is not empty. It is required if there is no default. */
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

/** One of some words. The first is the default unless another one is named. */
export function oneOf<const W extends string>(
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

/** A list of at least `least` entries, which `entry` reads. */
export function list<T>(entry: Field<T>, byDefault: readonly T[], least = 0): Field<readonly T[]> {
  const expected = `a list${least === 0 ? '' : ` of at least ${least} ${least === 1 ? 'entry' : 'entries'}`}`;
  return (value, at) => {
    const found = value ?? byDefault;
    if (!Array.isArray(found) || found.length < least) throw mismatch(at, expected, value);
    return found.map((item, i) => entry(item, `${at}[${i}]`));
  };
}

/** An object whose settings have names of the user's choice. `entry` reads each of them. */
export function named<T>(entry: Field<T>): Field<Readonly<Record<string, T>>> {
  return (value, at) => {
    const found = value ?? {};
    if (typeof found !== 'object' || Array.isArray(found)) throw mismatch(at, 'an object of settings', value);
    return Object.fromEntries(
      Object.entries(found).map(([name, item]) => [name, entry(item, inside(at, name))]),
    );
  };
}

/**
 * A setting that can have one value only, which is its default. `why` is a sentence for the
 * message: the reason why there is no other value.
 */
export function fixed<const T extends string | number | boolean>(only: T, why: string): Field<T> {
  return (value, at) => {
    if ((value ?? only) !== only) throw mismatch(at, JSON.stringify(only), value, ` ${why}`);
    return only;
  };
}

/** Any JSON value; it is required. Its content is checked elsewhere. */
export const anything: Field<unknown> = (value, at) => {
  if (value === undefined) throw mismatch(at, 'a value', value);
  return value;
};

/** Any JSON object, or a text that names a file with one. Its content is checked elsewhere. */
export const objectOrFile: Field<Readonly<Record<string, unknown>> | string> = (value, at) => {
  if (typeof value === 'string' && value !== '') return value;
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw mismatch(at, 'an object of settings or the name of a JSON file', value);
};

/**
 * Reads the content of a config file, which `file` names in messages. The content is required,
 * unlike an object of settings within a file. Throws ConfigError for what `read` refuses.
 */
export function readSettings<T>(read: Field<T>, json: unknown, file: string): T {
  if (json === null || json === undefined) throw mismatch(file, 'an object of settings', json);
  return read(json, `${file}: `);
}

/** How an object of settings is written in a file. */
export interface SectionForm {
  /** The name in the file of a field's setting. By default it is the field's own. */
  readonly nameOf?: (field: string) => string;
  /** Names in the file that are ignored, whatever they hold. */
  readonly ignored?: { has(name: string): boolean };
}

/**
 * An object with these settings and no others. If it is absent, it is read as an empty object:
 * every default is filled in. For an unknown name, the message suggests the nearest known one.
 */
export function section<F extends Fields>(
  fields: F,
  { nameOf = (field) => field, ignored = new Set() }: SectionForm = {},
): Field<Settings<F>> {
  const names = new Map(Object.keys(fields).map((field) => [nameOf(field), field]));
  const read = (value: unknown, at: string): Settings<F> => {
    const given = value ?? {};
    if (typeof given !== 'object' || Array.isArray(given)) throw mismatch(at, 'an object of settings', value);
    const settings = new Map(Object.entries(given));
    const readOf = ([name, field]: [string, string]) =>
      [field, (fields[field] as Field<unknown>)(settings.get(name), inside(at, name))] as const;
    // Errors are reported in the order of how much they tell: a wrong value first, then an unknown
    // name, then a missing one.
    const found = new Map([...names].filter(([name]) => settings.has(name)).map(readOf));
    for (const name of settings.keys())
      if (!names.has(name) && !ignored.has(name))
        throw new ConfigError(
          `${inside(at, name)}: there is no such setting.${didYouMean(name, names.keys())} Settings here: ${[...names.keys()].join(', ')}.`,
        );
    return Object.fromEntries(
      [...names].map((entry) => (found.has(entry[1]) ? [entry[1], found.get(entry[1])] : readOf(entry))),
    ) as Settings<F>;
  };
  return Object.assign(read, { fields });
}

/** The place of a setting in the object at a place. */
function inside(at: string, name: string): string {
  return at === '' || at.endsWith(': ') ? `${at}${name}` : `${at}.${name}`;
}

/** camelCase → snake_case, the names of transformers' files. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * The error for a value that is not as expected: `FIELD: expected X, got Y.`, followed by `hint`.
 */
export function mismatch(at: string, expected: string, value: unknown, hint = ''): ConfigError {
  const found = value === undefined ? 'it is missing' : `got ${showValue(value)}`;
  return new ConfigError(`${at.replace(/: $/, '')}: expected ${expected}, ${found}.${hint}`);
}
