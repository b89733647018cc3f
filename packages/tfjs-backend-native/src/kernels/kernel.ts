import * as tf from '@tensorflow/tfjs';
import type { NativeBackend } from '../backend.js';
import { countOnCpu } from '../kernel-counts.js';

/** A kernel of this backend, before registration. */
export interface NativeKernel {
  readonly kernelName: string;
  readonly kernelFunc: tf.KernelFunc;
}

/** What a kernel function receives. */
export interface KernelArguments {
  readonly inputs: Record<string, tf.TensorInfo>;
  readonly backend: NativeBackend;
  readonly attrs: Record<string, unknown>;
}

/**
 * Declares a kernel in this backend's own types. An input that the caller left out is `undefined` in spite of the type: read optional
 * inputs as `inputs['scale'] as TensorInfo | undefined`.
 */
export function nativeKernel(
  kernelName: string,
  run: (args: KernelArguments) => tf.TensorInfo | tf.TensorInfo[],
): NativeKernel {
  return { kernelName, kernelFunc: run as unknown as tf.KernelFunc };
}

/** Runs the cpu backend's kernel of that name on our data, and counts it: for dtypes and cases that have no native form. */
export function runOnCpu(
  kernelName: string,
  args: KernelArguments,
  kernel = tf.getKernel(kernelName, 'cpu'),
): tf.TensorInfo {
  const run = () => kernel.kernelFunc(args as unknown as Parameters<tf.KernelFunc>[0]) as tf.TensorInfo;
  const outputs = args.backend.borrow(run);
  countOnCpu(kernelName, args.inputs, outputs);
  return outputs;
}

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}
