import { ConfigError } from '@easel/core';
import { type Field, integer, type Range, real } from '@easel/core/config';
import { UsageError } from './usage-error.js';

/** Returns the one value of an option. Refuses an option that was given twice or left empty. */
function single(name: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value)) throw new UsageError(`--${name} was given ${value.length} times; give it once.`);
  if (value === '') throw new UsageError(`--${name} needs a value.`);
  return String(value);
}

/**
 * Reads an option by a field of a config file. Throws UsageError if the field refuses the value.
 */
function checked(name: string, field: Field<number>, value: unknown): number {
  try {
    return field(value, `--${name}`);
  } catch (error) {
    throw error instanceof ConfigError ? new UsageError(error.message) : error;
  }
}

/** An option that takes one text, e.g. a path. */
export function textOption(
  name: string,
  describe: string,
  more: { default?: string; choices?: readonly string[] } = {},
) {
  return {
    type: 'string',
    requiresArg: true,
    describe,
    ...more,
    coerce: (value: unknown): string | undefined => single(name, value),
  } as const;
}

/** A text option that must be given. */
export function requiredText(name: string, describe: string) {
  return {
    type: 'string',
    requiresArg: true,
    demandOption: true,
    describe,
    coerce: (value: unknown): string => single(name, value) ?? '',
  } as const;
}

function numericOption(
  name: string,
  describe: string,
  preset: number | undefined,
  field: Field<number>,
  written: RegExp,
) {
  return {
    type: 'string',
    requiresArg: true,
    describe,
    ...(preset === undefined ? {} : { default: preset }),
    coerce: (value: unknown): number | undefined => {
      const text = single(name, value);
      return text === undefined ? undefined : checked(name, field, written.test(text) ? Number(text) : text);
    },
  } as const;
}

/**
 * An option that takes a whole number within bounds. It is undefined if it is not given and has no
 * default.
 */
export function integerOption(name: string, describe: string, more: Range & { default?: number } = {}) {
  const { default: preset, ...range } = more;
  return numericOption(name, describe, preset, integer(range), /^[+-]?\d+$/);
}

/**
 * An option that takes a number within bounds. It is undefined if it is not given and has no
 * default.
 */
export function numberOption(name: string, describe: string, more: Range & { default?: number } = {}) {
  const { default: preset, ...range } = more;
  return numericOption(name, describe, preset, real(range), /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i);
}

/** An option that may be given several times, one value each. */
export function listOption(describe: string) {
  return {
    type: 'string',
    array: true,
    nargs: 1,
    requiresArg: true,
    default: [] as string[],
    describe,
  } as const;
}

/** An option that takes numbers within bounds, with commas between them. */
export function numbersOption(
  name: string,
  describe: string,
  more: Range & { readonly whole?: boolean } = {},
) {
  const { whole = false, ...range } = more;
  const one = whole ? integerOption(name, '', range) : numberOption(name, '', range);
  return {
    type: 'string',
    requiresArg: true,
    describe,
    coerce: (value: unknown): readonly number[] | undefined =>
      single(name, value)
        ?.split(',')
        .map((word) => one.coerce(word.trim()) as number),
  } as const;
}

/** A switch. `--no-NAME` turns it off. */
export function flagOption(describe: string) {
  return { type: 'boolean', default: false, describe } as const;
}

/** Switches that several commands share. */
export const jsonOption = flagOption('print the result as JSON on stdout');
export const overwriteOption = flagOption(
  'replace pictures that are there under the same names; without it a number is added to the new ones',
);
export const yesOption = flagOption(
  "fetch a model that is named hf:…, and rewrite it in Easel's form, without asking",
);
export const quietOption = flagOption('no progress and no notes on stderr; warnings and errors remain');
