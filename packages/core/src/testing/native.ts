import { describe } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { nativeStatus } from 'tfjs-backend-native';

/**
 * describe for tests that need the native backend, whose kernels are all in `kernels`; skipped, with the reason in its name, where the
 * addon did not load or lacks one of them.
 */
export function describeNative(name: string, kernels: readonly string[], body: () => void): void {
  const status = nativeStatus();
  const missing = status.available
    ? kernels.filter((kernel) => tf.getKernel(kernel, 'native') === undefined)
    : [];
  if (!status.available) describe.skip(`${name} (skipped: ${status.reason})`, body);
  else if (missing.length > 0)
    describe.skip(`${name} (skipped: no native kernel ${missing.join(', ')})`, body);
  else describe(name, body);
}
