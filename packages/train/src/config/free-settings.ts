import type { Field, Fields } from '@easel/core/config';

const FREE = new WeakSet<Field<unknown>>();

/**
 * Marks the field of a setting that does not change a run's numbers. A resumed run may change it,
 * and all settings below it.
 */
export function freeOnResume<T>(field: Field<T>): Field<T> {
  const free = Object.assign((value: unknown, at: string) => field(value, at), { fields: field.fields });
  FREE.add(free);
  return free;
}

/**
 * Returns the paths of the settings that are free on resume, such as `data.memoryLimit`. Settings
 * below a path are free with it.
 */
export function freeSettings(fields: Fields): string[] {
  return Object.entries(fields).flatMap(([name, field]) => {
    if (FREE.has(field)) return [name];
    return freeSettings(field.fields ?? {}).map((path) => `${name}.${path}`);
  });
}
