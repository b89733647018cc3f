import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { conv2D, conv2DBackpropFilter, conv2DBackpropInput, fusedConv2D } from './convolution.js';
import { FUSED_KERNELS } from './fused-kernels.js';
import { addN, concat, pack } from './join.js';
import type { GpuKernel, KernelArguments } from './kernel.js';
import { batchMatMul } from './linear.js';
import { mean, sum } from './reduce.js';
import { logSoftmax, softmax } from './softmax.js';

/** tfjs's own kernel, for cases that ours leaves to it. */
function tfjsKernel(kernelName: string) {
  return (args: KernelArguments): TensorInfo | TensorInfo[] => {
    const run = tf.getKernel(kernelName, 'webgpu')?.kernelFunc as KernelFunc;
    return run(args as unknown as Parameters<KernelFunc>[0]);
  };
}

/** The kernels that this backend computes in its own way. */
export const GPU_KERNELS: readonly GpuKernel[] = [
  ...FUSED_KERNELS,
  batchMatMul,
  softmax,
  logSoftmax,
  conv2D(tfjsKernel('Conv2D')),
  fusedConv2D(tfjsKernel('FusedConv2D')),
  conv2DBackpropInput(tfjsKernel('Conv2DBackpropInput')),
  conv2DBackpropFilter(tfjsKernel('Conv2DBackpropFilter')),
  concat(tfjsKernel('Concat')),
  pack(tfjsKernel('Pack')),
  addN(tfjsKernel('AddN')),
  sum(tfjsKernel('Sum')),
  mean(tfjsKernel('Mean')),
];
