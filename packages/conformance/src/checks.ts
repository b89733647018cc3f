/**
 * The allowed distance of numbers from the original's. A difference passes if it is at most
 * `absolute`, or at most `relative` times the largest |number| of its array.
 */
export interface Tolerance {
  readonly absolute?: number;
  readonly relative?: number;
  /** The reason for the size of the tolerance. */
  readonly reason: string;
}

/** The tolerance of integers, bits and text. */
export const EQUAL: Tolerance = { absolute: 0, reason: 'whole numbers and text are equal or wrong' };

/** The comparison of one group of a case's results. */
export interface GroupResult {
  /** "states", "logits", "gradients", "ids", … */
  readonly group: string;
  /** Number of arrays, texts or rows compared. */
  readonly compared: number;
  /** Largest |ours − original|. */
  readonly absolute: number;
  /** Largest |ours − original| ÷ the largest |number| of the original's array. */
  readonly relative: number;
  readonly tolerance: string;
  readonly reason: string;
  /**
   * Largest difference ÷ tolerance over all arrays. Above 1 is a failure. It is 0 if all are equal.
   */
  readonly used: number;
  /** Name of the array with the largest difference. */
  readonly worst: string;
  readonly passed: boolean;
  /** Messages of the first few failures. */
  readonly failures: readonly string[];
}

/** Most failures that are listed for a group. The others are counted. */
const MOST_FAILURES = 5;

interface Group {
  compared: number;
  absolute: number;
  relative: number;
  tolerance: Tolerance;
  worst: string;
  /** Difference ÷ tolerance of the worst array. */
  excess: number;
  failed: number;
  failures: string[];
}

/** Collects the comparisons of one case, in groups. */
export class Checks {
  private readonly groups = new Map<string, Group>();

  /** Compares numbers. `name` is reported if they are the worst of the group, or too far off. */
  close(
    group: string,
    name: string,
    got: ArrayLike<number>,
    want: ArrayLike<number>,
    tolerance: Tolerance,
  ): void {
    const entry = this.group(group, tolerance);
    entry.compared++;
    if (got.length !== want.length) {
      this.fails(entry, `${name}: expected ${want.length} numbers, got ${got.length}`);
      return;
    }
    const { difference, largest, at } = furthest(got, want);
    const allowed = allowedDifference(tolerance, largest);
    // An array whose numbers are all below the absolute tolerance (a gradient that is 0 except for
    // rounding) has no relative error.
    const relative = largest > (tolerance.absolute ?? 0) ? difference / largest : 0;
    entry.absolute = Math.max(entry.absolute, difference);
    entry.relative = Math.max(entry.relative, relative);
    const excess = allowed > 0 ? difference / allowed : difference > 0 ? Number.POSITIVE_INFINITY : 0;
    if (entry.worst === '' || !(excess <= entry.excess)) {
      entry.excess = excess;
      entry.worst = name;
    }
    if (!(difference <= allowed)) {
      this.fails(
        entry,
        `${name}[${at}]: expected ${want[at]}, got ${got[at]} (difference ${short(difference)}, at most ${short(allowed)})`,
      );
    }
  }

  /** Compares whole numbers, texts, or anything that JSON can show. */
  equal(group: string, name: string, got: unknown, want: unknown): void {
    const entry = this.group(group, EQUAL);
    entry.compared++;
    if (entry.worst === '') entry.worst = name;
    const [ours, theirs] = [show(got), show(want)];
    if (ours === theirs) return;
    entry.absolute = Number.POSITIVE_INFINITY;
    entry.relative = Number.POSITIVE_INFINITY;
    entry.excess = Number.POSITIVE_INFINITY;
    entry.worst = name;
    const at = firstDifference(ours, theirs);
    this.fails(entry, `${name}: expected ${excerpt(theirs, at)}, got ${excerpt(ours, at)}`);
  }

  /** Records a check that does not compare numbers. `problem` is undefined if the check holds. */
  holds(group: string, name: string, problem: string | undefined): void {
    const entry = this.group(group, EQUAL);
    entry.compared++;
    if (entry.worst === '') entry.worst = name;
    if (problem !== undefined) {
      entry.worst = name;
      this.fails(entry, `${name}: ${problem}`);
    }
  }

  /** Returns the collected results, in the order of the groups' first comparison. */
  results(): GroupResult[] {
    return [...this.groups].map(([group, entry]) => ({
      group,
      compared: entry.compared,
      absolute: entry.absolute,
      relative: entry.relative,
      tolerance: describe(entry.tolerance),
      reason: entry.tolerance.reason,
      used: entry.excess,
      worst: entry.worst,
      passed: entry.failed === 0,
      failures:
        entry.failed > entry.failures.length
          ? [...entry.failures, `and ${entry.failed - entry.failures.length} more`]
          : entry.failures,
    }));
  }

  private group(name: string, tolerance: Tolerance): Group {
    let entry = this.groups.get(name);
    if (!entry) {
      entry = {
        compared: 0,
        absolute: 0,
        relative: 0,
        tolerance,
        worst: '',
        excess: 0,
        failed: 0,
        failures: [],
      };
      this.groups.set(name, entry);
    }
    return entry;
  }

  private fails(entry: Group, message: string): void {
    entry.failed++;
    if (entry.failures.length < MOST_FAILURES) entry.failures.push(message);
  }
}

function allowedDifference({ absolute = 0, relative = 0 }: Tolerance, largest: number): number {
  return Math.max(absolute, relative * largest);
}

/** Writes a tolerance as "≤ 1e-6 or 1e-4 of the largest". */
function describe({ absolute, relative }: Tolerance): string {
  if (absolute === 0 && relative === undefined) return 'equal';
  const parts: string[] = [];
  if (absolute !== undefined) parts.push(short(absolute));
  if (relative !== undefined) parts.push(`${short(relative)} of the largest`);
  return `≤ ${parts.join(' or ')}`;
}

/**
 * Returns the largest difference, the largest finite |want|, and the place of the difference. Equal
 * infinities and two NaN do not differ. A NaN or an infinity on one side alone differs by infinity.
 */
function furthest(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
): { difference: number; largest: number; at: number } {
  let difference = 0;
  let largest = 0;
  let at = 0;
  for (let i = 0; i < want.length; i++) {
    const [a, b] = [got[i] as number, want[i] as number];
    const size = b < 0 ? -b : b;
    if (size > largest && size !== Number.POSITIVE_INFINITY) largest = size;
    if (a === b) continue;
    let apart = a > b ? a - b : b - a;
    if (Number.isNaN(apart)) apart = Number.isNaN(a) && Number.isNaN(b) ? 0 : Number.POSITIVE_INFINITY;
    if (apart > difference) {
      difference = apart;
      at = i;
    }
  }
  return { difference, largest, at };
}

function show(value: unknown): string {
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    return `[${[...(value as unknown as Iterable<unknown>)].join(',')}]`;
  }
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner === 'bigint') return `${inner}`;
    if (typeof inner === 'number' && !Number.isFinite(inner)) return `${inner}`;
    return ArrayBuffer.isView(inner) ? [...(inner as unknown as Iterable<unknown>)] : inner;
  });
}

function firstDifference(a: string, b: string): number {
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  return i;
}

function excerpt(text: string | undefined, at: number): string {
  if (text === undefined) return 'nothing';
  const start = Math.max(0, at - 40);
  const part = text.slice(start, at + 60);
  return `${start > 0 ? '…' : ''}${part}${at + 60 < text.length ? '…' : ''}`;
}

/** Writes a number as 0, or with two digits: 3.1e-6. */
export function short(value: number): string {
  if (value === 0) return '0';
  if (!Number.isFinite(value)) return `${value}`;
  return value.toExponential(1).replace('.0e', 'e').replace('e+', 'e');
}
