import * as tf from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { lengthOf, POOL } from '../addon-numbers.js';
import { type KernelArguments, type NativeKernel, nativeKernel, runOnCpu, sizeOf } from './kernel.js';

type PoolInfo = ReturnType<typeof tf.backend_util.computePool2DInfo>;

const sizes = new Int32Array(lengthOf(POOL));

/** The addon's sizes of a pooling. The next call fills the same array anew. */
function poolSizes(info: PoolInfo): Int32Array {
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

/** Where window i along an axis begins and ends inside of the volume. */
function clip(i: number, stride: number, before: number, window: number, extent: number): [number, number] {
  const begin = i * stride - before;
  return [Math.max(0, begin), Math.min(extent, begin + window)];
}

/**
 * dx [B,D,H,W,C] from dy of an average over windows of a volume. Each window shares its dy among
 * the pixels inside of it, as in TensorFlow. tfjs's cpu kernel divides by the whole window at the
 * border too, so this backend has its own, in JavaScript.
 */
const averagePool3dGradient = nativeKernel(tf.AvgPool3DGrad, (args) => {
  const { backend } = args;
  const { dy, input } = args.inputs as { dy: tf.TensorInfo; input: tf.TensorInfo };
  const { filterSize, strides, pad, dimRoundingMode } = args.attrs as unknown as tf.AvgPool3DGradAttrs;
  const shape = input.shape as [number, number, number, number, number];
  const s = tf.backend_util.computePool3DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
  const { inDepth, inHeight, inWidth, inChannels: channels } = s;
  const dx = backend.allocate(input.shape, 'float32');
  dx.values.fill(0);
  const gradient = backend.float32(dy);
  let from = 0; // in dy
  for (let b = 0; b < s.batchSize; b++)
    for (let d = 0; d < s.outDepth; d++) {
      const [front, back] = clip(d, s.strideDepth, s.padInfo.front, s.filterDepth, inDepth);
      for (let h = 0; h < s.outHeight; h++) {
        const [top, bottom] = clip(h, s.strideHeight, s.padInfo.top, s.filterHeight, inHeight);
        for (let w = 0; w < s.outWidth; w++, from += channels) {
          const [left, right] = clip(w, s.strideWidth, s.padInfo.left, s.filterWidth, inWidth);
          const share = 1 / ((back - front) * (bottom - top) * (right - left));
          for (let z = front; z < back; z++)
            for (let y = top; y < bottom; y++) {
              let to = (((b * inDepth + z) * inHeight + y) * inWidth + left) * channels;
              for (let x = left; x < right; x++)
                for (let c = 0; c < channels; c++, to++)
                  dx.values[to] = (dx.values[to] as number) + (gradient[from + c] as number) * share;
            }
        }
      }
    }
  return dx.info;
});

/** MaxPool, AvgPool and their gradients, and AvgPool3D's gradient. */
export const poolKernels: readonly NativeKernel[] = [
  poolKernel(tf.MaxPool, 'maxPool'),
  poolKernel(tf.AvgPool, 'averagePool'),
  poolGradientKernel(tf.MaxPoolGrad, true),
  poolGradientKernel(tf.AvgPoolGrad, false),
  averagePool3dGradient,
];
