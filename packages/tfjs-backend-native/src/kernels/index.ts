import type { NativeKernel } from './kernel.js';

/** Every kernel that this backend has of its own. */
export const NATIVE_KERNELS: readonly NativeKernel[] = [];
