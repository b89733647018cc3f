import { ConfigError } from '../errors.js';

/**
 * A raw config with one setting changed. `path` is the setting's name, after the names of the
 * objects around it: optimizer.beta1. Objects are made where they are absent. The config given is
 * not changed. Throws ConfigError for a path through a value that is not an object; `place` says in
 * the message where the path stands.
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
 * Sets values in a raw config, as a command's `--set optimizer.beta1=0.95` does. The value is read
 * as JSON, or as text if it isn't JSON. The config given is not changed. Throws ConfigError for an
 * assignment without '=', or through a value that is not an object.
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
