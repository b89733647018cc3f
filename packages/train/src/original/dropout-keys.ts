import { type Key, prngKey, split } from '@easel/core';

/**
 * Returns the original's keys: key ← split(key)[0] from PRNGKey(seed) for each micro-batch in turn.
 * In rising order a key costs one split. Otherwise the chain is computed again. Source: dalle-mini
 * `tools/train/train.py`, state.dropout_rng and train_step.
 */
export function originalDropoutKeys(seed: number): (n: number) => Key {
  let at = { n: -1, key: prngKey(seed) };
  return (n) => {
    if (n < at.n) at = { n: -1, key: prngKey(seed) };
    let { key } = at;
    for (let i = at.n; i < n; i++) key = split(key)[0] as Key;
    at = { n, key };
    return key;
  };
}
