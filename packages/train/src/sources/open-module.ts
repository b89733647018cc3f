import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError, DataError } from '@easel/core';

/** A setting of a module. Its default says its type. */
export interface ModuleOption {
  readonly default: number | string;
  /** What it does, for messages. */
  readonly about: string;
}

/** What a module exports that opens something of a user's own. */
export interface OpenableModule<T> {
  readonly options: Readonly<Record<string, ModuleOption>>;
  /** Throws an Error that names the setting if a value can't be. */
  open(settings: Readonly<Record<string, number | string>>): T | Promise<T>;
}

/** The path of a module, and its settings behind a question mark. */
const MODULE = /^(.+\.m?js)(?:\?(.*))?$/s;

/** Whether a path names a module. */
export function isModule(path: string): boolean {
  return MODULE.test(path);
}

/**
 * Imports a module, so that its code runs, and opens it with the settings behind its path:
 * `scenes.mjs?seed=1&count=1000`. Settings that are not given have their defaults.
 *
 * `where` begins error messages, e.g. `Pictures scenes.mjs?seed=1`; `chapter` of the README of
 * @easel/train says what the module exports. Throws DataError for a module that can't be imported or
 * doesn't export `open` and `options`; ConfigError for settings that it doesn't have or that can't
 * be.
 */
export async function openModule<T>(path: string, where: string, chapter: string): Promise<T> {
  const [, file, query = ''] = MODULE.exec(path) as unknown as [string, string, string | undefined];
  const module = await imported<T>(file, where, chapter);
  const settings = settingsOf(module, query, where);
  try {
    return await module.open(settings);
  } catch (error) {
    throw new ConfigError(`${where}: ${(error as Error).message}`, { cause: error });
  }
}

async function imported<T>(file: string, where: string, chapter: string): Promise<OpenableModule<T>> {
  let module: Partial<OpenableModule<T>>;
  try {
    module = await import(pathToFileURL(resolve(file)).href);
  } catch (error) {
    throw new DataError(`${where}: the module can't be imported: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (typeof module.open !== 'function' || typeof module.options !== 'object')
    throw new DataError(
      `${where}: expected a module that exports \`open\` and \`options\`, found ${Object.keys(module).join(', ') || 'no exports'}. See "${chapter}" in the README of @easel/train.`,
    );
  return module as OpenableModule<T>;
}

function settingsOf<T>(
  { options }: OpenableModule<T>,
  query: string,
  where: string,
): Record<string, number | string> {
  const settings = Object.fromEntries(
    Object.entries(options).map(([name, option]) => [name, option.default]),
  );
  for (const [name, text] of new URLSearchParams(query)) {
    const option = Object.hasOwn(options, name) ? options[name] : undefined;
    if (option === undefined) {
      const known = Object.entries(options).map(([key, { about }]) => `${key} (${about})`);
      throw new ConfigError(`${where}: no setting "${name}". There are: ${known.join('; ')}.`);
    }
    const value = typeof option.default === 'number' ? Number(text) : text;
    if (text === '' || (typeof value === 'number' && !Number.isFinite(value)))
      throw new ConfigError(`${where}: ${name}: expected a ${typeof option.default}, got "${text}".`);
    settings[name] = value;
  }
  return settings;
}
