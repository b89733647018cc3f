import type { Tolerance } from '../../checks.js';
import type { GoldenArrays } from '../../golden.js';

/** A difference may be this many times the original's own float32 noise. */
const NOISES = 10;

/**
 * Returns the tolerance of an output, by the noise in the file's header if it is there. Values are
 * of order 1.
 */
export function outputTolerance(arrays: GoldenArrays, name: string): Tolerance {
  const noise = arrays.setting<Record<string, number>>('float32_noise')?.[name] ?? 0;
  return {
    absolute: Math.max(5e-5, NOISES * noise),
    reason: "float32: the original's own noise is up to 9e-6",
  };
}

/**
 * Returns the tolerance of gradients, which were recorded in float64. Gradients that are 0 in exact
 * arithmetic are compared absolutely.
 */
export function gradientTolerance(arrays: GoldenArrays): Tolerance {
  const noise = arrays.setting<number>('float32_noise') ?? 0;
  return {
    absolute: Math.max(2e-5, NOISES * noise),
    reason: 'float32 against the float64 run: the original is up to 7e-6 off',
  };
}
