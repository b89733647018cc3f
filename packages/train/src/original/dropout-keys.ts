import { type Key, prngKey, split } from '@easel/core';
import { microBatchKeys } from '../seq2seq/batches.js';

/** The key of the dropout of micro-batch n, counted from 0 over a whole run. */
export type DropoutKeys = (n: number) => Key;

/** Each key from the run's own by its number alone, so that a run goes on anywhere without what came before. */
export function countedDropoutKeys(runKey: Key): DropoutKeys {
  return (n) => microBatchKeys(runKey, n).dropout;
}

/**
 * The original's keys: key ← split(key)[0] from PRNGKey(seed) for each micro-batch in turn. Asked in rising order a key costs one split, else the
 * chain is run through again. Source: dalle-mini `tools/train/train.py`, state.dropout_rng and train_step.
 */
export function originalDropoutKeys(seed: number): DropoutKeys {
  let at = { n: -1, key: prngKey(seed) };
  return (n) => {
    if (n < at.n) at = { n: -1, key: prngKey(seed) };
    let { key } = at;
    for (let i = at.n; i < n; i++) key = split(key)[0] as Key;
    at = { n, key };
    return key;
  };
}
