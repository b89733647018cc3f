import * as tf from '@tensorflow/tfjs';
import { type KernelArguments, type NativeKernel, nativeKernel, runOnCpu } from './kernel.js';

/**
 * A padding of one number as pixels for each side. tfjs works the result's width out of a number
 * with the window's height and the stride along the height; of pixels for each side it does it
 * right.
 */
function withSides(attrs: KernelArguments['attrs']): KernelArguments['attrs'] {
  const { pad, dataFormat } = attrs as { pad?: unknown; dataFormat?: string };
  if (typeof pad !== 'number') return attrs;
  const [none, some] = [
    [0, 0],
    [pad, pad],
  ];
  return { ...attrs, pad: dataFormat === 'NCHW' ? [none, none, some, some] : [none, some, some, none] };
}

/** A kernel over windows of pictures whose padding may be a number. */
export function withSidedPads({ kernelName, kernelFunc }: NativeKernel): NativeKernel {
  const run = kernelFunc as unknown as (args: KernelArguments) => tf.TensorInfo | tf.TensorInfo[];
  return nativeKernel(kernelName, (args) => run({ ...args, attrs: withSides(args.attrs) }));
}

/** Kernels of the cpu backend over windows of pictures. */
export const windowKernels: readonly NativeKernel[] = [
  tf.Dilation2D,
  tf.Dilation2DBackpropFilter,
  tf.Dilation2DBackpropInput,
  tf.MaxPoolWithArgmax,
].map((kernelName) => withSidedPads(nativeKernel(kernelName, (args) => runOnCpu(kernelName, args))));
