import type { Key } from '@easel/core';
import { microBatchKeys } from './batches.js';

/** Returns the dropout key of micro-batch n, counted from 0 over a whole run. */
export type DropoutKeys = (n: number) => Key;

/**
 * Folds each key out of the run's key by its number alone, so that a run can go on at any
 * micro-batch.
 */
export function countedDropoutKeys(runKey: Key): DropoutKeys {
  return (n) => microBatchKeys(runKey, n).dropout;
}
