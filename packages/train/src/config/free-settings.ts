import type { Field, Fields } from '@easel/core/config';

const FREE = new WeakSet<Field<unknown>>();

/**
 * The same field, of a setting that doesn't touch a run's numbers: a resumed run may change it, and
 * all below it.
 */
export function freeOnResume<T>(field: Field<T>): Field<T> {
  const free = Object.assign((value: unknown, at: string) => field(value, at), { fields: field.fields });
  FREE.add(free);
  return free;
}

/**
 * Paths of the settings that are free on resume, such as `data.memoryLimit`; what lies below a path
 * is free with it.
 */
export function freeSettings(fields: Fields): string[] {
  return Object.entries(fields).flatMap(([name, field]) => {
    if (FREE.has(field)) return [name];
    return freeSettings(field.fields ?? {}).map((path) => `${name}.${path}`);
  });
}
