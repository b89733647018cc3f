import { DataError } from '@easel/core';
import type { LeftOutKind } from '../sources/left-out.js';

/** Filter of an encoded set's rows. Limits are inclusive; null means no limit. */
export interface RowFilter {
  readonly clipScoreColumn: string;
  readonly minClipScore: number | null;
  readonly maxClipScore: number | null;
  /** Only rows whose value in this column is `filterValue` pass. */
  readonly filterColumn: string | null;
  readonly filterValue: string | null;
}

/** The filter that all rows pass. */
export const NO_FILTER: RowFilter = {
  clipScoreColumn: 'clip_score',
  minClipScore: null,
  maxClipScore: null,
  filterColumn: null,
  filterValue: null,
};

/** Returns the columns that a filter reads. */
export function filterColumns(filter: RowFilter): string[] {
  const byScore = filter.minClipScore !== null || filter.maxClipScore !== null;
  return [
    ...(byScore ? [filter.clipScoreColumn] : []),
    ...(filter.filterColumn === null ? [] : [filter.filterColumn]),
  ];
}

/**
 * Returns why a row is left out, or undefined if it isn't. The reasons are a missing caption
 * (null), missing tokens (null), a missing score that the filter asks for (null or NaN), and a
 * value that doesn't pass the filter. NaN passes no limit in the original either.
 */
export function leftOutRow(
  row: {
    readonly caption: unknown;
    readonly encoding: unknown;
    readonly others: Readonly<Record<string, unknown>>;
  },
  filter: RowFilter,
  where: string,
): LeftOutKind | undefined {
  const { clipScoreColumn, minClipScore, maxClipScore } = filter;
  if (isNull(row.caption)) return 'row without caption';
  if (isNull(row.encoding)) return 'row without tokens';
  if ((minClipScore !== null || maxClipScore !== null) && isNull(row.others[clipScoreColumn]))
    return 'row without score';
  return passes(filter, row.others, where) ? undefined : 'filtered row';
}

const isNull = (value: unknown) => value === null || value === undefined || Number.isNaN(value);

/**
 * Whether a row passes. Throws DataError that begins with `where` if its score is no number.
 * Source: dalle-mini `data.py`, filter_function.
 */
function passes(filter: RowFilter, columns: Readonly<Record<string, unknown>>, where: string): boolean {
  const { clipScoreColumn, minClipScore, maxClipScore, filterColumn, filterValue } = filter;
  if (minClipScore !== null || maxClipScore !== null) {
    const score = columns[clipScoreColumn];
    if (typeof score !== 'number' || Number.isNaN(score))
      throw new DataError(
        `${where}: expected a number in column '${clipScoreColumn}', got ${score}. Encode with --clip to have scores, or filter without them.`,
      );
    if (minClipScore !== null && score < minClipScore) return false;
    if (maxClipScore !== null && score > maxClipScore) return false;
  }
  return filterColumn === null || columns[filterColumn] === filterValue;
}
