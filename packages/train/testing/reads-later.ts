import * as tf from '@tensorflow/tfjs';
import { NativeBackend, nativeStatus } from 'tfjs-backend-native';

/** A backend as a device would be: results come only to those who await them, behind a turn of the event loop; `readSync` throws. */
export const READS_LATER = 'reads-later';
/** The same kernels under another name, with `readSync`. */
export const READS_NOW = 'reads-now';

/** How often results of READS_LATER have been waited for. */
export const awaited = { reads: 0 };

/** Kernels that the two lack, so that the plain forms of an update are run. */
const LEFT_OUT = new Set([
  ...['AdamWUpdate', 'AdafactorUpdate', 'SumOfSquares'],
  ...['UpdateScale', 'IfAccepted', 'ClampedRatio', 'Narrow'],
]);

/** Registers both, with the kernels of the native backend where it is built, else of tfjs's cpu backend. Kernels themselves see all values, as a device's do. */
export function registerReadsLater(): void {
  if (tf.findBackendFactory(READS_LATER) !== null) return;
  const [base, backend] = nativeStatus().available
    ? ['native', new NativeBackend()]
    : ['cpu', tf.findBackend('cpu')];
  const device = new Proxy(backend, {
    get(target, name) {
      if (name === 'readSync')
        return () => {
          throw new Error('reads-later: a result was read without being awaited.');
        };
      if (name === 'read')
        return async (dataId: object) => {
          awaited.reads++;
          const values = (target.readSync(dataId) as Float32Array).slice(); // as they are when they are asked for
          await new Promise((resolve) => setImmediate(resolve));
          return values;
        };
      return boundTo(target, name);
    },
  });
  const plain = new Proxy(backend, { get: boundTo });
  for (const [backendName, one] of [
    [READS_LATER, device],
    [READS_NOW, plain],
  ] as const) {
    for (const kernel of tf.getKernelsForBackend(base)) {
      if (LEFT_OUT.has(kernel.kernelName)) continue;
      const kernelFunc: tf.KernelFunc = (args) => kernel.kernelFunc({ ...args, backend });
      tf.registerKernel({ ...kernel, kernelFunc, backendName });
    }
    tf.registerBackend(backendName, () => one, 0);
  }
}

function boundTo(target: tf.KernelBackend, name: string | symbol): unknown {
  const value = Reflect.get(target, name) as unknown;
  return typeof value === 'function' ? value.bind(target) : value;
}
