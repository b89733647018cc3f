import { activationKernels } from './activation.js';
import { batchMatMul } from './BatchMatMul.js';
import { conv2D } from './Conv2D.js';
import { conv2DBackpropFilter } from './Conv2DBackpropFilter.js';
import { conv2DBackpropInput } from './Conv2DBackpropInput.js';
import { elementwiseKernels } from './elementwise.js';
import { fusedConv2D } from './FusedConv2D.js';
import { fusedMatMul } from './FusedMatMul.js';
import type { NativeKernel } from './kernel.js';

/** Every kernel that this backend has of its own. */
export const NATIVE_KERNELS: readonly NativeKernel[] = [
  batchMatMul,
  fusedMatMul,
  conv2D,
  fusedConv2D,
  conv2DBackpropInput,
  conv2DBackpropFilter,
  ...elementwiseKernels,
  ...activationKernels,
];
