import type { Tolerance } from '../../checks.js';
import type { GoldenArrays } from '../../golden.js';

/** Times the original's own float32 noise that a difference may be. */
const NOISES = 10;

/** Of an output, by the noise in the file's header where it is there. Values are of order 1. */
export function outputTolerance(arrays: GoldenArrays, name: string): Tolerance {
  const noise = arrays.setting<Record<string, number>>('float32_noise')?.[name] ?? 0;
  return {
    absolute: Math.max(5e-5, NOISES * noise),
    reason: "float32: the original's own noise is up to 9e-6",
  };
}

/**
 * Of gradients, which are of a float64 run; those that are 0 in exact arithmetic count absolutely.
 */
export function gradientTolerance(arrays: GoldenArrays): Tolerance {
  const noise = arrays.setting<number>('float32_noise') ?? 0;
  return {
    absolute: Math.max(2e-5, NOISES * noise),
    reason: 'float32 against the float64 run: the original is up to 7e-6 off',
  };
}
