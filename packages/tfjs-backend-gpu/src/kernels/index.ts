import type { GpuKernel } from './kernel.js';

/** The kernels that this backend computes in its own way. */
export const GPU_KERNELS: readonly GpuKernel[] = [];
