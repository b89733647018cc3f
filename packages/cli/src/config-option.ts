import { ConfigError } from '@easel/core';
import { withAssignments } from '@easel/core/config';
import { readJsonFile } from '@easel/core/node';

/**
 * A config file's object with `--set` assignments applied. Throws ConfigError if it is not a JSON
 * object.
 */
export async function readConfig(
  path: string,
  assignments: readonly string[],
): Promise<Record<string, unknown>> {
  const json = await readJsonFile(path);
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new ConfigError(
      `${path}: expected an object of settings, got ${JSON.stringify(json).slice(0, 40)}.`,
    );
  }
  return withAssignments(json as Record<string, unknown>, assignments);
}
