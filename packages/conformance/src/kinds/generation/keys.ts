import { type Key, prngKey, split } from '@easel/core';
import { iterationKeys } from '@easel/draw';
import { readJson } from '../../golden.js';
import type { Case } from '../../kind.js';

interface KeySchedule {
  readonly seed: number;
  readonly devices: number;
  readonly key: readonly [number, number];
  readonly iterations: readonly {
    readonly next_key: readonly number[];
    readonly subkey: readonly number[];
    readonly device_keys: readonly (readonly number[])[];
    readonly device_0_first_step_keys?: readonly (readonly number[])[];
  }[];
}

/** `keys.json`: the inference notebook's keys of a seed, for each iteration, device and step. */
export function keysCase(file: string): Case {
  return {
    name: 'keys',
    run(checks) {
      for (const schedule of readJson<KeySchedule[]>(file)) {
        const { seed, devices, iterations } = schedule;
        const name = `seed ${seed}, ${devices} devices`;
        let key: Key = prngKey(seed);
        checks.equal('keys', `${name}, key`, key, schedule.key);
        const ours = devices === 1 ? iterationKeys(seed, iterations.length) : undefined;
        for (const [i, iteration] of iterations.entries()) {
          const [next, subkey] = split(key) as [Key, Key];
          key = next;
          checks.equal('keys', `${name}, ${i}, next`, next, iteration.next_key);
          checks.equal('keys', `${name}, ${i}, subkey`, subkey, iteration.subkey);
          const perDevice = split(subkey, devices);
          checks.equal('keys', `${name}, ${i}, devices`, perDevice, iteration.device_keys);
          if (ours) checks.equal('keys', `${name}, ${i}, iterationKeys`, ours[i], iteration.device_keys[0]);
          let stepKey = perDevice[0] as Key;
          for (const [step, expected] of (iteration.device_0_first_step_keys ?? []).entries()) {
            const [now, later] = split(stepKey) as [Key, Key];
            checks.equal('keys', `${name}, ${i}, step ${step}`, now, expected);
            stepKey = later;
          }
        }
      }
    },
  };
}
