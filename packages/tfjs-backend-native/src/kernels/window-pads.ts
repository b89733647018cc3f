import * as tf from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { type KernelArguments, type NativeKernel, nativeKernel, runOnCpu } from './kernel.js';
import { poolSizes } from './pool.js';

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

/** Grey-scale dilation [B,H,W,C] by a filter [h,w,C]; float32, else the cpu kernel. */
const dilation2D = nativeKernel(tf.Dilation2D, (args) => {
  const { backend } = args;
  const { x, filter } = args.inputs as { x: tf.TensorInfo; filter: tf.TensorInfo };
  if (x.dtype !== 'float32' || filter.dtype !== 'float32') return runOnCpu(tf.Dilation2D, args);
  const { strides, pad, dilations } = args.attrs as unknown as tf.Dilation2DAttrs;
  const shape = x.shape as [number, number, number, number];
  const filterShape = filter.shape as [number, number, number];
  const info = tf.backend_util.computeDilation2DInfo(shape, filterShape, strides, pad, 'NHWC', dilations);
  const y = backend.allocate(info.outShape, 'float32');
  const values = [backend.float32(x), backend.float32(filter)] as const;
  if (y.values.length > 0)
    addon().dilation(y.values, ...values, poolSizes(info), info.dilationHeight, info.dilationWidth);
  return y.info;
});

/** Kernels over windows of pictures of which the cpu backend computes all, or all but float32. */
export const windowKernels: readonly NativeKernel[] = [
  dilation2D,
  ...[tf.Dilation2DBackpropFilter, tf.Dilation2DBackpropInput, tf.MaxPoolWithArgmax].map((kernelName) =>
    nativeKernel(kernelName, (args) => runOnCpu(kernelName, args)),
  ),
].map(withSidedPads);
