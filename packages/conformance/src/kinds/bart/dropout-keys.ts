import { bernoulli, foldInNames, type Key } from '@easel/core';
import type { Checks } from '../../checks.js';
import { readJson } from '../../golden.js';

interface DropoutMask {
  readonly site: string;
  readonly hashed: readonly (string | number)[];
  readonly root: readonly [number, number];
  readonly key: readonly [number, number];
  readonly rate: number;
  readonly shape: readonly number[];
  readonly kept: number;
  readonly first_16: readonly number[];
}

/** Compares each dropout's key, and the mask drawn with it. */
export function checkDropoutKeys(checks: Checks, file: string): void {
  for (const mask of readJson<{ masks: DropoutMask[] }>(file).masks) {
    const key: Key = foldInNames(mask.root, mask.hashed);
    checks.equal('dropout keys', mask.site, [...key], mask.key);
    const kept = bernoulli(key, 1 - mask.rate, mask.shape);
    const flags = Array.from(kept, Number);
    checks.equal('dropout masks', `${mask.site}, first 16`, flags.slice(0, 16), mask.first_16);
    checks.equal(
      'dropout masks',
      `${mask.site}, kept`,
      flags.reduce((sum, flag) => sum + flag, 0),
      mask.kept,
    );
  }
}
