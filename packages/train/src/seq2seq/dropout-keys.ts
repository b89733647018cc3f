import type { Key } from '@easel/core';
import { microBatchKeys } from './batches.js';

/** The key of the dropout of micro-batch n, counted from 0 over a whole run. */
export type DropoutKeys = (n: number) => Key;

/** Each key from the run's own by its number alone, so that a run goes on anywhere without what came before. */
export function countedDropoutKeys(runKey: Key): DropoutKeys {
  return (n) => microBatchKeys(runKey, n).dropout;
}
