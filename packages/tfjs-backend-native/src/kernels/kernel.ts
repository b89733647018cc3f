import * as tf from '@tensorflow/tfjs';
import type { NativeBackend } from '../backend.js';

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

/** Runs the cpu backend's kernel of that name on our data: for dtypes and cases that have no native form. */
export function runOnCpu(kernelName: string, args: KernelArguments): tf.TensorInfo {
  const kernel = tf.getKernel(kernelName, 'cpu');
  const run = () => kernel.kernelFunc(args as unknown as Parameters<tf.KernelFunc>[0]) as tf.TensorInfo;
  return args.backend.borrow(run);
}

/** Number of elements of a shape. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}
