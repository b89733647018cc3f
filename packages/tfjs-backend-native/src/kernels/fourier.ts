import * as tf from '@tensorflow/tfjs';
import { type NativeKernel, nativeKernel, runOnCpu, sizeOf } from './kernel.js';

/** A Fourier transform, by the cpu kernel; that one cannot give an empty tensor its shape. */
const transformOf = (kernelName: string): NativeKernel =>
  nativeKernel(kernelName, (args) => {
    const { input } = args.inputs as { input: tf.TensorInfo };
    return sizeOf(input.shape) > 0
      ? runOnCpu(kernelName, args)
      : runOnCpu(tf.Identity, { ...args, inputs: { x: input } });
  });

/** Fourier transforms of complex numbers. */
export const fourierKernels: readonly NativeKernel[] = [transformOf(tf.FFT), transformOf(tf.IFFT)];
