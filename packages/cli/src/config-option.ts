import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '@easel/core';
import { withAssignments } from '@easel/core/config';
import { readJsonFile } from '@easel/core/node';

/** Where configs are: in the package that npm installed, or in a clone of Easel. */
const CONFIG_FOLDERS = [join(import.meta.dirname, '..'), join(import.meta.dirname, '..', '..', '..')];

/**
 * The file of a config: the path as it is, or, where there is none and it begins with `configs/`, the
 * one of that name that comes with Easel.
 */
export function findConfig(path: string): string {
  if (existsSync(path) || !/^configs[\\/]/.test(path)) return path;
  return CONFIG_FOLDERS.map((folder) => join(folder, path)).find(existsSync) ?? path;
}

/**
 * A config file's object with `--set` assignments applied. The file is found as `findConfig` says.
 * Throws ConfigError if it is not a JSON object.
 */
export async function readConfig(
  path: string,
  assignments: readonly string[],
): Promise<Record<string, unknown>> {
  const json = await readJsonFile(findConfig(path));
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new ConfigError(
      `${path}: expected an object of settings, got ${JSON.stringify(json).slice(0, 40)}.`,
    );
  }
  return withAssignments(json as Record<string, unknown>, assignments);
}
