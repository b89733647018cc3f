import * as tf from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { lengthOf, POOL } from '../addon-numbers.js';
import { type KernelArguments, type NativeKernel, nativeKernel, runOnCpu, sizeOf } from './kernel.js';

type PoolInfo = ReturnType<typeof tf.backend_util.computePool2DInfo>;
/** What the addon has to know of windows over pictures. */
type Windows = Pick<
  PoolInfo,
  | 'batchSize'
  | 'inHeight'
  | 'inWidth'
  | 'inChannels'
  | 'outHeight'
  | 'outWidth'
  | 'filterHeight'
  | 'filterWidth'
  | 'strideHeight'
  | 'strideWidth'
> & { readonly padInfo: { readonly top: number; readonly left: number } };

const sizes = new Int32Array(lengthOf(POOL));

/** The addon's sizes of a pooling. The next call fills the same array anew. */
export function poolSizes(info: Windows): Int32Array {
  sizes[POOL.batch] = info.batchSize;
  sizes[POOL.inHeight] = info.inHeight;
  sizes[POOL.inWidth] = info.inWidth;
  sizes[POOL.channels] = info.inChannels;
  sizes[POOL.outHeight] = info.outHeight;
  sizes[POOL.outWidth] = info.outWidth;
  sizes[POOL.filterHeight] = info.filterHeight;
  sizes[POOL.filterWidth] = info.filterWidth;
  sizes[POOL.strideHeight] = info.strideHeight;
  sizes[POOL.strideWidth] = info.strideWidth;
  sizes[POOL.padTop] = info.padInfo.top;
  sizes[POOL.padLeft] = info.padInfo.left;
  return sizes;
}

/** tfjs's shapes of a pooling of x [B,H,W,C]. Throws Error, in tfjs's words, if they do not fit. */
function poolInfo(x: tf.TensorInfo, { attrs }: KernelArguments): PoolInfo {
  const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as tf.AvgPoolAttrs;
  const shape = x.shape as [number, number, number, number];
  return tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
}

/** y from x [B,H,W,C]. float32 runs natively, the rest on the cpu kernel. */
function poolKernel(kernelName: string, run: 'maxPool' | 'averagePool'): NativeKernel {
  return nativeKernel(kernelName, (args) => {
    const { backend } = args;
    const { x } = args.inputs as { x: tf.TensorInfo };
    if (x.dtype !== 'float32') return runOnCpu(kernelName, args);
    const info = poolInfo(x, args);
    if (info.filterHeight * info.filterWidth === 1 && tf.util.arraysEqual(info.inShape, info.outShape))
      return backend.alias(x, x.shape);
    const y = backend.allocate(info.outShape, 'float32');
    if (y.values.length > 0) addon()[run](y.values, backend.float32(x), poolSizes(info));
    return y.info;
  });
}

/** dx [B,H,W,C] from dy. float32 runs natively, the rest on the cpu kernel. */
function poolGradientKernel(kernelName: string, isMax: boolean): NativeKernel {
  return nativeKernel(kernelName, (args) => {
    const { backend } = args;
    const { dy, input } = args.inputs as { dy: tf.TensorInfo; input: tf.TensorInfo };
    const info = poolInfo(input, args);
    const fits = sizeOf(info.outShape) === sizeOf(dy.shape);
    if (dy.dtype !== 'float32' || input.dtype !== 'float32' || !fits) return runOnCpu(kernelName, args);
    const dx = backend.allocate(input.shape, 'float32');
    if (dx.values.length === 0) return dx.info;
    if (isMax)
      addon().maxPoolGradient(dx.values, backend.float32(dy), backend.float32(input), poolSizes(info));
    else addon().averagePoolGradient(dx.values, backend.float32(dy), poolSizes(info));
    return dx.info;
  });
}

/** MaxPool, AvgPool and their gradients. */
export const poolKernels: readonly NativeKernel[] = [
  poolKernel(tf.MaxPool, 'maxPool'),
  poolKernel(tf.AvgPool, 'averagePool'),
  poolGradientKernel(tf.MaxPoolGrad, true),
  poolGradientKernel(tf.AvgPoolGrad, false),
];
