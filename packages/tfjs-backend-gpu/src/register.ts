import * as tf from '@tensorflow/tfjs';
// This import also registers tfjs's kernels under 'webgpu'.
import '@tensorflow/tfjs-backend-webgpu';
import { GpuBackend } from './backend.js';
import { openDevice } from './device.js';
import { registerGpuGradients } from './gradients.js';
import { GPU_KERNELS } from './kernels/index.js';

/** The name under which tfjs knows the backend. */
export const BACKEND_NAME = 'gpu';

/** tfjs takes the registered backend of the highest priority: webgpu has 3, tfjs-backend-native 10. */
const PRIORITY = 5;

/** Wraps a kernel, so that an error has its name and inputs. */
function watched(kernelName: string, run: tf.KernelFunc): tf.KernelFunc {
  return (args) => {
    const inputs = args.inputs as Record<string, tf.TensorInfo | undefined>;
    for (const [name, input] of Object.entries(inputs))
      if ((input as tf.Tensor | undefined)?.isDisposed === true)
        throw new Error(`${kernelName}: ${name} [${input?.shape}] has been disposed.`);
    return (args.backend as GpuBackend).named({ kernelName, inputs }, () => run(args));
  };
}

/**
 * Registers the backend and its kernels with tfjs, once. Every kernel of tfjs's webgpu backend is
 * there, and ours take the place of its own. The GPU is opened when the backend is first used.
 */
export function registerGpuBackend(): void {
  if (tf.findBackendFactory(BACKEND_NAME) !== null) return;
  const ours = new Set(GPU_KERNELS.map(({ kernelName }) => kernelName));
  for (const kernel of tf.getKernelsForBackend('webgpu')) {
    const { kernelName, kernelFunc } = kernel;
    if (ours.has(kernelName)) continue;
    tf.registerKernel({
      ...kernel,
      backendName: BACKEND_NAME,
      kernelFunc: watched(kernelName, kernelFunc),
    });
  }
  for (const { kernelName, kernelFunc } of GPU_KERNELS)
    tf.registerKernel({ kernelName, kernelFunc: watched(kernelName, kernelFunc), backendName: BACKEND_NAME });
  registerGpuGradients(BACKEND_NAME);
  tf.registerBackend(
    BACKEND_NAME,
    async () => {
      const { device, info } = await openDevice();
      return new GpuBackend(device, info);
    },
    PRIORITY,
  );
}
