/** What lies in a source and comes to nothing, why, in the words of reports and logs. */
export type LeftOutKind =
  /**
   * A row of a list, or of an encoded set, whose caption is empty or null; its picture may have
   * others.
   */
  | 'row without caption'
  /**
   * A row of an encoded set without tokens, without the score that a filter asks for, or that
   * doesn't pass it.
   */
  | 'row without tokens'
  | 'row without score'
  | 'filtered row'
  /** A row of a list that names no picture. */
  | 'row without picture'
  /** A .txt beside which there is no picture. */
  | 'text without picture'
  /** A picture of a sample in a tar that has another before it. */
  | 'further picture'
  /** A picture whose name begins with a dot, or a folder of that kind. */
  | 'hidden'
  /** A folder that can't be read, or a link to nothing. */
  | 'unreadable folder'
  | 'broken link'
  /** A folder that is reached by several ways; its pictures come once. */
  | 'folder seen before'
  /** A tar or parquet file among pictures. */
  | 'archive';

/** What was left out for one reason. */
export interface LeftOut {
  readonly kind: LeftOutKind;
  readonly count: number;
  /** The first of them. */
  readonly named: readonly { readonly file: string; readonly reason: string }[];
}

/** So many of each kind are named. */
const NAMED = 100;

/** Counts what is left out while a source is looked through. */
export class LeftOutTally {
  private readonly kinds = new Map<
    LeftOutKind,
    { count: number; named: { file: string; reason: string }[] }
  >();

  add(kind: LeftOutKind, file: string, reason: string): void {
    const entry = this.kinds.get(kind) ?? { count: 0, named: [] };
    this.kinds.set(kind, entry);
    entry.count++;
    if (entry.named.length < NAMED) entry.named.push({ file, reason });
  }

  /** All kinds that occurred. */
  all(): LeftOut[] {
    return [...this.kinds].map(([kind, { count, named }]) => ({ kind, count, named }));
  }
}

/** Several sources' counts as one; names of source i begin with `i:` if there are several. */
export function mergedLeftOut(parts: readonly (readonly LeftOut[])[]): LeftOut[] {
  const merged = new Map<LeftOutKind, { count: number; named: { file: string; reason: string }[] }>();
  for (const [i, part] of parts.entries())
    for (const { kind, count, named } of part) {
      const entry = merged.get(kind) ?? { count: 0, named: [] };
      merged.set(kind, entry);
      entry.count += count;
      entry.named.push(...named.map(({ file, reason }) => ({ file: `${i}:${file}`, reason })));
    }
  return [...merged].map(([kind, entry]) => ({ kind, ...entry }));
}

/** Counts by kind, for summaries that programs read. */
export function countsOf(leftOut: readonly LeftOut[]): Partial<Record<LeftOutKind, number>> {
  return Object.fromEntries(leftOut.map(({ kind, count }) => [kind, count]));
}

/** The lines of a log that names what was left out, as far as it is named. */
export function leftOutLines(leftOut: readonly LeftOut[]): {
  readonly file: string;
  readonly kind: LeftOutKind;
  readonly reason: string;
  /** Of the line that stands for all that are not named. */
  readonly count?: number;
}[] {
  return leftOut.flatMap(({ kind, count, named }) => [
    ...named.map(({ file, reason }) => ({ file, kind, reason })),
    ...(count > named.length
      ? [{ file: '', kind, reason: 'More, which are not named.', count: count - named.length }]
      : []),
  ]);
}

/** `row without caption 3, hidden 1`: the most frequent first. */
export function describeCounts(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([kind, count]) => `${kind} ${count}`)
    .join(', ');
}
