import type { LeftOutKind } from '../sources/left-out.js';

/** Numbers of rows that were read, and of those that were left out by kind. */
export interface RowCount {
  /** Left-out rows are included. */
  readonly rows: number;
  readonly leftOut: Readonly<Partial<Record<LeftOutKind, number>>>;
}

/** Counts the rows of some shards as they are read. */
export class RowCounts {
  private readonly byFile = new Map<
    string,
    { rows: number; leftOut: Partial<Record<LeftOutKind, number>> }
  >();

  /** Counts a row of a shard. `kind` says why it is left out, if it is. */
  add(file: string, kind: LeftOutKind | undefined): void {
    let counted = this.byFile.get(file);
    if (counted === undefined) {
      counted = { rows: 0, leftOut: {} };
      this.byFile.set(file, counted);
    }
    counted.rows++;
    if (kind !== undefined) counted.leftOut[kind] = (counted.leftOut[kind] ?? 0) + 1;
  }

  /** Returns the sums over some shards. */
  of(files: readonly string[]): RowCount {
    let rows = 0;
    const leftOut: Partial<Record<LeftOutKind, number>> = {};
    for (const file of files) {
      const counted = this.byFile.get(file);
      rows += counted?.rows ?? 0;
      for (const [kind, count] of Object.entries(counted?.leftOut ?? {}) as [LeftOutKind, number][])
        leftOut[kind] = (leftOut[kind] ?? 0) + count;
    }
    return { rows, leftOut };
  }

  /** Number of rows that were not left out. */
  get kept(): number {
    const { rows, leftOut } = this.of([...this.byFile.keys()]);
    return rows - Object.values(leftOut).reduce((sum, count) => sum + count, 0);
  }
}
