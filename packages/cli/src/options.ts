import { UsageError } from './usage-error.js';

/** The one value of an option; refuses one that was given twice or left empty. */
function single(name: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value)) throw new UsageError(`--${name} was given ${value.length} times; give it once.`);
  if (value === '') throw new UsageError(`--${name} needs a value.`);
  return String(value);
}

interface Bounds {
  readonly min?: number;
  readonly max?: number;
  /** Whether `min` itself is refused. */
  readonly exclusive?: boolean;
}

function bounded(
  name: string,
  value: number,
  text: string,
  kind: string,
  { min, max, exclusive }: Bounds,
): number {
  const tooSmall = min !== undefined && (exclusive ? value <= min : value < min);
  if (Number.isFinite(value) && !tooSmall && (max === undefined || value <= max)) return value;
  const low = min === undefined ? '' : exclusive ? ` above ${min}` : ` of at least ${min}`;
  const high = max === undefined ? '' : ` and at most ${max}`;
  throw new UsageError(`--${name}: expected ${kind}${low}${high}, got "${text}".`);
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

/** An option that takes a whole number within bounds; undefined when not given and without default. */
export function integerOption(name: string, describe: string, more: Bounds & { default?: number } = {}) {
  const { default: preset, ...bounds } = more;
  return {
    type: 'string',
    requiresArg: true,
    describe,
    ...(preset === undefined ? {} : { default: preset }),
    coerce: (value: unknown): number | undefined => {
      const text = single(name, value);
      if (text === undefined) return undefined;
      const number = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
      return bounded(
        name,
        Number.isSafeInteger(number) ? number : Number.NaN,
        text,
        'a whole number',
        bounds,
      );
    },
  } as const;
}

/** An option that takes a number within bounds; undefined when not given and without default. */
export function numberOption(name: string, describe: string, more: Bounds & { default?: number } = {}) {
  const { default: preset, ...bounds } = more;
  return {
    type: 'string',
    requiresArg: true,
    describe,
    ...(preset === undefined ? {} : { default: preset }),
    coerce: (value: unknown): number | undefined => {
      const text = single(name, value);
      if (text === undefined) return undefined;
      return bounded(name, text.trim() === '' ? Number.NaN : Number(text), text, 'a number', bounds);
    },
  } as const;
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

/** A switch. `--no-NAME` turns it off. */
export function flagOption(describe: string) {
  return { type: 'boolean', default: false, describe } as const;
}

/** Switches that several commands share. */
export const jsonOption = flagOption('print the result as JSON on stdout');
export const quietOption = flagOption('no progress and no notes on stderr; warnings and errors remain');
