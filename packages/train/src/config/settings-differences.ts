/**
 * Lists the differences of two objects of settings, a line each: `optimizer.beta2 was 0.9, now
 * 0.95`. Objects within them are compared setting by setting, other values as JSON. `free` holds
 * paths that are ignored with all settings below them.
 */
export function settingsDifferences(
  before: Readonly<Record<string, unknown>>,
  now: Readonly<Record<string, unknown>>,
  free: readonly string[] = [],
): string[] {
  const differences: string[] = [];
  const compare = (a: unknown, b: unknown, path: string) => {
    if (free.includes(path)) return;
    if (isObject(a) && isObject(b)) {
      for (const name of new Set([...Object.keys(a), ...Object.keys(b)]))
        compare(a[name], b[name], path === '' ? name : `${path}.${name}`);
    } else if (JSON.stringify(a) !== JSON.stringify(b))
      differences.push(
        `${path} was ${JSON.stringify(a) ?? 'not there'}, now ${JSON.stringify(b) ?? 'not there'}`,
      );
  };
  compare(before, now, '');
  return differences;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
