/**
 * Why an entry of a source gives neither a picture nor a caption, in the words of reports and logs.
 */
export type LeftOutKind =
  /**
   * A row of a list or of an encoded set whose caption is empty or null. Its picture may have other
   * captions.
   */
  | 'row without caption'
  /**
   * A row of an encoded set that has no tokens, lacks the score that a filter asks for, or doesn't
   * pass the filter.
   */
  | 'row without tokens'
  | 'row without score'
  | 'filtered row'
  /** A row of a list that names no picture. */
  | 'row without picture'
  /** A .txt without a picture beside it. */
  | 'text without picture'
  /** A picture of a sample in a tar. Another picture of the same sample comes before it. */
  | 'further picture'
  /** A picture or a folder whose name begins with a dot. */
  | 'hidden'
  /** A folder that can't be read, or a link to nothing. */
  | 'unreadable folder'
  | 'broken link'
  /** A folder that several ways lead to. Its pictures come once. */
  | 'folder seen before'
  /** A tar or parquet file among pictures. */
  | 'archive';

/** The entries that were left out for one reason. */
export interface LeftOut {
  readonly kind: LeftOutKind;
  readonly count: number;
  /** The first entries of the kind. */
  readonly named: readonly { readonly file: string; readonly reason: string }[];
}

/** How many entries of each kind are named. */
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

  /** Returns all kinds that occurred. */
  all(): LeftOut[] {
    return [...this.kinds].map(([kind, { count, named }]) => ({ kind, count, named }));
  }
}

/** Merges the counts of several sources. The names of source i begin with `i:`. */
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

/** Returns the counts by kind, for summaries that programs read. */
export function countsOf(leftOut: readonly LeftOut[]): Partial<Record<LeftOutKind, number>> {
  return Object.fromEntries(leftOut.map(({ kind, count }) => [kind, count]));
}

/**
 * Returns the lines of a log. The log names the first entries of each kind, and one line stands for
 * the others.
 */
export function leftOutLines(leftOut: readonly LeftOut[]): {
  readonly file: string;
  readonly kind: LeftOutKind;
  readonly reason: string;
  /** Number of entries that the line stands for. Only the line for the unnamed ones has it. */
  readonly count?: number;
}[] {
  return leftOut.flatMap(({ kind, count, named }) => [
    ...named.map(({ file, reason }) => ({ file, kind, reason })),
    ...(count > named.length
      ? [{ file: '', kind, reason: 'More, which are not named.', count: count - named.length }]
      : []),
  ]);
}

/** Returns counts as text, the most frequent first: `row without caption 3, hidden 1`. */
export function describeCounts(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([kind, count]) => `${kind} ${count}`)
    .join(', ');
}
