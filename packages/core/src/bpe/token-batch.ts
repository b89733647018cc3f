import { DataError } from '../errors.js';

/** Rows of ids of one length. Both arrays are [rows, length], row after row. */
export interface TokenBatch {
  readonly inputIds: Int32Array;
  /** 1 where there is a token, 0 where there is padding. */
  readonly attentionMask: Int32Array;
  readonly rows: number;
  readonly length: number;
}

/**
 * Brings the ids of texts to one length. A longer row loses tokens before its last one, which is
 * the end. A shorter row is padded on the right. Throws DataError if maxLength has no room for the
 * first and last token.
 */
export function padRows(
  rows: readonly (readonly number[])[],
  { maxLength, padId }: { readonly maxLength: number; readonly padId: number },
): TokenBatch {
  if (!Number.isInteger(maxLength) || maxLength < 2) {
    throw new DataError(
      `padRows: expected maxLength to be a whole number of at least 2 (room for a text's start and end), got ${maxLength}.`,
    );
  }
  const inputIds = new Int32Array(rows.length * maxLength).fill(padId);
  const attentionMask = new Int32Array(rows.length * maxLength);
  for (const [row, all] of rows.entries()) {
    const ids = all.length > maxLength ? [...all.slice(0, maxLength - 1), all.at(-1) as number] : all;
    inputIds.set(ids, row * maxLength);
    attentionMask.fill(1, row * maxLength, row * maxLength + ids.length);
  }
  return { inputIds, attentionMask, rows: rows.length, length: maxLength };
}
