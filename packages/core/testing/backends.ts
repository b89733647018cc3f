import { afterAll, beforeAll, describe } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { nativeStatus } from 'tfjs-backend-native';

/**
 * `describe` on the native backend, for tests that need its kernels `kernels`. It is skipped, with
 * the reason in its name, if the addon did not load or lacks one of them. tfjs is on cpu again
 * afterwards.
 */
export function describeNative(name: string, kernels: readonly string[], body: () => void): void {
  const status = nativeStatus();
  const missing = kernels.filter(
    (kernel) => status.available && tf.getKernel(kernel, 'native') === undefined,
  );
  const without = status.available
    ? missing.length > 0 && `no native kernel ${missing.join(', ')}`
    : status.reason;
  if (without) describe.skip(`${name} (skipped: ${without})`, body);
  else onBackend('native', name, body);
}

/**
 * The same tests on cpu, wasm and native. A backend named in `except` is skipped for the reason
 * given there. native is also skipped if its addon did not load.
 */
export function onEachBackend(body: () => void, except: { readonly wasm?: string } = {}): void {
  onBackend('cpu', 'on cpu', body);
  if (except.wasm === undefined) onBackend('wasm', 'on wasm', body);
  else describe.skip(`on wasm (skipped: ${except.wasm})`, body);
  describeNative('on native', [], body);
}

function onBackend(backend: string, name: string, body: () => void): void {
  describe(name, () => {
    beforeAll(async () => {
      await tf.setBackend(backend);
    });
    afterAll(async () => {
      await tf.setBackend('cpu');
    });
    body();
  });
}
