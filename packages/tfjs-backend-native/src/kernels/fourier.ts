import * as tf from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { type NativeKernel, nativeKernel, runOnCpu } from './kernel.js';

/** A Fourier transform of the rows of a complex tensor [.., length]. */
const transformOf = (kernelName: string, inverse: boolean): NativeKernel =>
  nativeKernel(kernelName, (args) => {
    const { backend } = args;
    const { input } = args.inputs as { input: tf.TensorInfo };
    const { shape } = input;
    const parts = backend.data.get(input.dataId).complexTensorInfos as Record<'real' | 'imag', tf.TensorInfo>;
    const [real, imag] = [backend.allocate(shape, 'float32'), backend.allocate(shape, 'float32')];
    const [xReal, xImag] = [backend.float32(parts.real), backend.float32(parts.imag)];
    addon().fourier(real.values, imag.values, xReal, xImag, shape.at(-1) ?? 1, inverse);
    const inputs = { real: real.info, imag: imag.info };
    const y = runOnCpu(tf.Complex, { backend, inputs, attrs: {} });
    for (const part of [real, imag]) backend.disposeData(part.info.dataId);
    return y;
  });

/** Fourier transforms of complex numbers. */
export const fourierKernels: readonly NativeKernel[] = [
  transformOf(tf.FFT, false),
  transformOf(tf.IFFT, true),
];
