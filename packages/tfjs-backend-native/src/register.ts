import * as tf from '@tensorflow/tfjs';
// Its import also registers the kernels under 'cpu'.
import '@tensorflow/tfjs-backend-cpu';
import { namedAllocationError } from './allocation-error.js';
import { NativeBackend } from './backend.js';
import { NATIVE_KERNELS } from './kernels/index.js';

/** Name under which tfjs knows the backend. */
export const BACKEND_NAME = 'native';

/** tfjs takes the registered backend of the highest priority: webgl has 2, wasm 2, cpu 1. */
const PRIORITY = 10;

/** Throws where an input has been disposed: tfjs itself says "Cannot read properties of undefined". */
function refuseDisposed(kernelName: string, inputs: tf.NamedTensorInfoMap): void {
  for (const [name, input] of Object.entries(inputs))
    if ((input as tf.Tensor | undefined)?.isDisposed === true)
      throw new Error(`${kernelName}: ${name} [${input?.shape}] has been disposed.`);
}

/** Runs a kernel such that a failed allocation, or a disposed input, is named. */
function named(kernelName: string, run: tf.KernelFunc): tf.KernelFunc {
  return (args) => {
    try {
      return run(args);
    } catch (error) {
      refuseDisposed(kernelName, args.inputs as tf.NamedTensorInfoMap);
      throw namedAllocationError(error, kernelName, args.inputs);
    }
  };
}

/** Registers the backend and its kernels with tfjs, once. Every kernel of the cpu backend is there, ours in place of its own. */
export function registerNativeBackend(): void {
  if (tf.findBackendFactory(BACKEND_NAME) !== null) return;
  const ours = new Set(NATIVE_KERNELS.map((kernel) => kernel.kernelName));
  for (const kernel of tf.getKernelsForBackend('cpu')) {
    if (ours.has(kernel.kernelName)) continue;
    const { kernelName } = kernel;
    const run: tf.KernelFunc = (args) =>
      (args.backend as NativeBackend).borrow(() => kernel.kernelFunc(args));
    tf.registerKernel({ ...kernel, kernelFunc: named(kernelName, run), backendName: BACKEND_NAME });
  }
  for (const { kernelName, kernelFunc } of NATIVE_KERNELS)
    tf.registerKernel({ kernelName, kernelFunc: named(kernelName, kernelFunc), backendName: BACKEND_NAME });
  tf.registerBackend(BACKEND_NAME, () => new NativeBackend(), PRIORITY);
}
