/**
 * Registers a value that must be released when the work ends, and returns it. A promise that
 * `release` returns is awaited.
 */
export type Own = <T>(value: T, release: (value: T) => unknown) => T;

/**
 * Does some work, and then releases the values that it owns, the newest first, whether the work
 * succeeded or failed. If a release fails, the others still take place. The first failure is
 * thrown, unless the work itself failed.
 */
export async function releasing<R>(work: (own: Own) => Promise<R>): Promise<R> {
  const releases: (() => unknown)[] = [];
  const own: Own = (value, release) => {
    releases.push(() => release(value));
    return value;
  };
  const failures: unknown[] = [];
  let result: { readonly value: R } | undefined;
  try {
    result = { value: await work(own) };
  } catch (error) {
    failures.push(error);
  }
  for (const release of releases.reverse())
    try {
      await release();
    } catch (error) {
      failures.push(error);
    }
  if (result === undefined || failures.length > 0) throw failures[0];
  return result.value;
}
