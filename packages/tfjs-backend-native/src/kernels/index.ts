import { batchMatMul } from './batch-mat-mul.js';
import { batchNorm } from './batch-norm.js';
import { blockKernels } from './blocks.js';
import { conv2D } from './conv2d.js';
import { conv2DBackpropFilter } from './conv2d-backprop-filter.js';
import { conv2DBackpropInput } from './conv2d-backprop-input.js';
import { countKernels } from './counts.js';
import { depthwiseKernels } from './depthwise.js';
import { einsumKernels } from './einsum.js';
import { elementwiseKernels } from './elementwise.js';
import { fourierKernels } from './fourier.js';
import { fusedConv2D } from './fused-conv2d.js';
import { FUSED_KERNELS } from './fused-kernels.js';
import { fusedMatMul } from './fused-mat-mul.js';
import { gatherKernels } from './gather.js';
import type { NativeKernel } from './kernel.js';
import { localResponseKernels } from './local-response.js';
import { mirrorKernels } from './mirror.js';
import { movementKernels } from './movement.js';
import { orderKernels } from './order.js';
import { pieceKernels } from './pieces.js';
import { poolKernels } from './pool.js';
import { raggedKernels } from './ragged.js';
import { reduceKernels } from './reduce.js';
import { resizeKernels } from './resize.js';
import { sampleKernels } from './sample.js';
import { scanKernels } from './scan.js';
import { shareKernels } from './share.js';
import { softmaxKernels } from './softmax.js';
import { stringKernels } from './strings.js';
import { suppressionKernels } from './suppression.js';
import { transform } from './transform.js';
import { volumeKernels } from './volumes.js';
import { windowKernels, withSidedPads } from './window-pads.js';

/** Every kernel that this backend implements itself. */
export const NATIVE_KERNELS: readonly NativeKernel[] = [
  batchMatMul,
  fusedMatMul,
  ...[conv2D, fusedConv2D, conv2DBackpropInput, conv2DBackpropFilter].map(withSidedPads),
  ...depthwiseKernels.map(withSidedPads),
  ...einsumKernels,
  ...elementwiseKernels,
  ...softmaxKernels,
  ...resizeKernels,
  ...sampleKernels,
  ...pieceKernels,
  ...poolKernels.map(withSidedPads),
  ...windowKernels,
  ...volumeKernels,
  batchNorm,
  ...localResponseKernels,
  ...reduceKernels,
  ...scanKernels,
  ...orderKernels,
  ...movementKernels,
  ...mirrorKernels,
  ...blockKernels,
  ...shareKernels,
  ...gatherKernels,
  ...countKernels,
  ...fourierKernels,
  ...raggedKernels,
  ...stringKernels,
  ...suppressionKernels,
  transform,
  ...FUSED_KERNELS,
];
