import * as tf from '@tensorflow/tfjs';
// Its import also registers the kernels under 'cpu'.
import '@tensorflow/tfjs-backend-cpu';
import { NativeBackend } from './backend.js';
import { NATIVE_KERNELS } from './kernels/index.js';

/** Name under which tfjs knows the backend. */
export const BACKEND_NAME = 'native';

/** tfjs takes the registered backend of the highest priority: webgl has 2, wasm 2, cpu 1. */
const PRIORITY = 10;

/** Registers the backend and its kernels with tfjs, once. Every kernel of the cpu backend is there, ours in place of its own. */
export function registerNativeBackend(): void {
  if (tf.findBackendFactory(BACKEND_NAME) !== null) return;
  const ours = new Set(NATIVE_KERNELS.map((kernel) => kernel.kernelName));
  for (const kernel of tf.getKernelsForBackend('cpu')) {
    if (ours.has(kernel.kernelName)) continue;
    const kernelFunc: tf.KernelFunc = (args) =>
      (args.backend as NativeBackend).borrow(() => kernel.kernelFunc(args));
    tf.registerKernel({ ...kernel, kernelFunc, backendName: BACKEND_NAME });
  }
  for (const kernel of NATIVE_KERNELS) tf.registerKernel({ ...kernel, backendName: BACKEND_NAME });
  tf.registerBackend(BACKEND_NAME, () => new NativeBackend(), PRIORITY);
}
