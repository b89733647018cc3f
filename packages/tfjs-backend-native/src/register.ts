import * as tf from '@tensorflow/tfjs';
// This import also registers the kernels under 'cpu'.
import '@tensorflow/tfjs-backend-cpu';
import { namedAllocationError } from './allocation-error.js';
import { NativeBackend } from './backend.js';
import { mendComplexMovesToCpu } from './complex-moves.js';
import { registerNativeGradients } from './gradients.js';
import { counterOf } from './kernel-counts.js';
import { NATIVE_KERNELS } from './kernels/index.js';
import { type KernelArguments, runOnCpu } from './kernels/kernel.js';
import { isNumericArray } from './numeric-array.js';

/** The name under which tfjs knows the backend. */
export const BACKEND_NAME = 'native';

/** tfjs takes the registered backend of the highest priority: webgl has 2, wasm 2, cpu 1. */
const PRIORITY = 10;

/**
 * Throws Error where an input has been disposed. tfjs itself would say "Cannot read properties of
 * undefined".
 */
function refuseDisposed(kernelName: string, inputs: tf.NamedTensorInfoMap): void {
  for (const [name, input] of Object.entries(inputs))
    if ((input as tf.Tensor | undefined)?.isDisposed === true)
      throw new Error(`${kernelName}: ${name} [${input?.shape}] has been disposed.`);
}

/**
 * Says which input has other values than its shape says, or undefined. tfjs makes such a tensor of
 * an array of tensors, as in tf.add(x, [y]).
 */
function misshapenInput(inputs: tf.NamedTensorInfoMap, backend: NativeBackend): string | undefined {
  for (const [name, input] of Object.entries(inputs)) {
    if (input === undefined || !backend.data.has(input.dataId)) continue;
    const { values } = backend.data.get(input.dataId);
    const size = tf.util.sizeFromShape(input.shape);
    if (isNumericArray(values) && values.length !== size)
      return `${name} [${input.shape}] has ${values.length} values instead of ${size}; it may have been given as an array of tensors, of which tf.stack or tf.concat makes a tensor`;
  }
  return undefined;
}

/** Kernels whose misshapen inputs have been told of. */
const told = new Set<string>();

/**
 * Wraps a kernel. The run is counted, and an error for missing memory or a disposed input gets the
 * kernel's name.
 */
function watched(kernelName: string, run: tf.KernelFunc): tf.KernelFunc {
  const counter = counterOf(kernelName);
  return (args) => {
    const onCpu = counter.cpu;
    const { narrowTensors } = args.backend as NativeBackend;
    const { loans } = narrowTensors;
    try {
      const outputs = run(args);
      if (counter.cpu === onCpu) counter.native += 1;
      return outputs;
    } catch (error) {
      refuseDisposed(kernelName, args.inputs as tf.NamedTensorInfoMap);
      const misshapen = misshapenInput(args.inputs as tf.NamedTensorInfoMap, args.backend as NativeBackend);
      if (misshapen !== undefined && tf.getKernel(kernelName, 'cpu') !== undefined) {
        // As on the cpu backend the result is NaN, but not silently.
        if (!told.has(kernelName))
          console.warn(`tfjs-backend-native: ${kernelName}: ${misshapen}. The result is NaN.`);
        told.add(kernelName);
        return runOnCpu(kernelName, args as unknown as KernelArguments);
      }
      throw namedAllocationError(error, kernelName, args.inputs);
    } finally {
      if (narrowTensors.loans > loans) narrowTensors.returnLoans(loans);
    }
  };
}

/**
 * Registers the backend and its kernels with tfjs, once. Every kernel of the cpu backend is there,
 * and ours take the place of its own.
 */
export function registerNativeBackend(): void {
  if (tf.findBackendFactory(BACKEND_NAME) !== null) return;
  const ours = new Set(NATIVE_KERNELS.map((kernel) => kernel.kernelName));
  for (const kernel of tf.getKernelsForBackend('cpu')) {
    if (ours.has(kernel.kernelName)) continue;
    const { kernelName } = kernel;
    const run = (args: KernelArguments) => runOnCpu(kernelName, args, kernel);
    const kernelFunc = watched(kernelName, run as unknown as tf.KernelFunc);
    tf.registerKernel({ ...kernel, kernelFunc, backendName: BACKEND_NAME });
  }
  for (const { kernelName, kernelFunc } of NATIVE_KERNELS)
    tf.registerKernel({ kernelName, kernelFunc: watched(kernelName, kernelFunc), backendName: BACKEND_NAME });
  registerNativeGradients(BACKEND_NAME);
  mendComplexMovesToCpu();
  tf.registerBackend(BACKEND_NAME, () => new NativeBackend(), PRIORITY);
}
