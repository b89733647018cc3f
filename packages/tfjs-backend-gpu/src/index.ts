// First, since tfjs's package looks at what this provides.
import './provide-webgpu.js';
import * as tf from '@tensorflow/tfjs';
import type { GpuBackend } from './backend.js';
import { provision } from './provide-webgpu.js';
import { BACKEND_NAME, registerGpuBackend } from './register.js';

// The backend. Importing this module registers it as 'gpu', where there is WebGPU.

export { GpuBackend } from './backend.js';
export type { GpuMemoryUsage } from './buffer-pool.js';
export type { DispatchCounts } from './dispatcher.js';
export { GpuError } from './gpu-error.js';
export type { GpuFusedKernels } from './kernels/fused-kernels.js';

// Which GPU there is.

export { type GpuStatus, gpuStatus, type LimitName } from './device.js';

/**
 * Gives the GPU memory that the backend keeps for reuse back to the system. Tensors stay. Returns the
 * number of bytes, 0 where the backend is not in use.
 */
export function releaseGpuMemory(): number {
  const backend = tf.engine().registry[BACKEND_NAME] as GpuBackend | undefined;
  return backend?.trim() ?? 0;
}

if (provision.gpu !== undefined) registerGpuBackend();
