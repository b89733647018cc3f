import { activationKernels } from './activation.js';
import { batchMatMul } from './BatchMatMul.js';
import { elementwiseKernels } from './elementwise.js';
import { fusedMatMul } from './FusedMatMul.js';
import type { NativeKernel } from './kernel.js';

/** Every kernel that this backend has of its own. */
export const NATIVE_KERNELS: readonly NativeKernel[] = [
  batchMatMul,
  fusedMatMul,
  ...elementwiseKernels,
  ...activationKernels,
];
