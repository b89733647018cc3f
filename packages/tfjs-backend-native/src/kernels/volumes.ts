import * as tf from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import type { NativeBackend } from '../backend.js';
import { stepsOf, stridedCopy } from '../strided-copy.js';
import { type KernelArguments, type NativeKernel, nativeKernel, runOnCpu, sizeOf } from './kernel.js';
import { poolSizes } from './pool.js';

// Windows over volumes [B,D,H,W,C]. Poolings are two poolings of pictures; gradients and
// convolutions run in JavaScript. tfjs's own kernels, of all backends, take the
// padding 'same' of a stride above the window as a negative one, so that the windows begin outside
// of their places; the gradient of its MaxPool3D mistakes a window's height for its width.

type VolumeInfo = ReturnType<typeof tf.backend_util.computePool3DInfo>;
type Volume = [number, number, number, number, number];

/** tfjs's shapes of a pooling of x. Throws Error, in tfjs's words, if they do not fit. */
function volumeInfo(x: tf.TensorInfo, { attrs }: KernelArguments): VolumeInfo {
  const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as tf.AvgPool3DAttrs;
  return tf.backend_util.computePool3DInfo(x.shape as Volume, filterSize, strides, 1, pad, dimRoundingMode);
}

/** Where window i along an axis begins and ends inside of the volume. */
function clip(i: number, stride: number, before: number, window: number, extent: number): [number, number] {
  const begin = i * stride - Math.max(0, before);
  return [Math.max(0, begin), Math.min(extent, begin + window)];
}

/** Whether a window lies in the padding alone. The first or the last one does, if any. */
function hasEmptyWindow(s: VolumeInfo): boolean {
  const axes = [
    [s.outDepth, s.strideDepth, s.padInfo.front, s.filterDepth, s.inDepth],
    [s.outHeight, s.strideHeight, s.padInfo.top, s.filterHeight, s.inHeight],
    [s.outWidth, s.strideWidth, s.padInfo.left, s.filterWidth, s.inWidth],
  ] as const;
  return axes.some(([out, ...rest]) =>
    [0, out - 1].some((i) => {
      const [begin, end] = clip(i, ...rest);
      return begin >= end;
    }),
  );
}

/**
 * Calls `visit` for each window, in the order of the result's places: with the first of the C
 * elements of its result, the number of places inside of the volume, and the first of the C
 * elements of each of these.
 */
function walkWindows(s: VolumeInfo, visit: (to: number, places: readonly number[]) => void): void {
  let to = 0;
  for (let b = 0; b < s.batchSize; b++)
    for (let d = 0; d < s.outDepth; d++) {
      const [front, back] = clip(d, s.strideDepth, s.padInfo.front, s.filterDepth, s.inDepth);
      for (let h = 0; h < s.outHeight; h++) {
        const [top, bottom] = clip(h, s.strideHeight, s.padInfo.top, s.filterHeight, s.inHeight);
        for (let w = 0; w < s.outWidth; w++, to += s.inChannels) {
          const [left, right] = clip(w, s.strideWidth, s.padInfo.left, s.filterWidth, s.inWidth);
          const places: number[] = [];
          for (let z = front; z < back; z++)
            for (let y = top; y < bottom; y++)
              for (let x = left; x < right; x++)
                places.push((((b * s.inDepth + z) * s.inHeight + y) * s.inWidth + x) * s.inChannels);
          visit(to, places);
        }
      }
    }
}

/** The place of the largest of a channel's values, the first of equal ones; NaN is none. */
function placeOfMost(x: Float32Array, places: readonly number[], channel: number): number | undefined {
  let most = Number.NEGATIVE_INFINITY;
  let at: number | undefined;
  for (const place of places) {
    const value = x[place + channel] as number;
    if (value > most || (at === undefined && value === most)) {
      most = value;
      at = place + channel;
    }
  }
  return at;
}

/**
 * y from x [B,D,H,W,C]; float32, else the cpu kernel. A window inside of the volume is a box, so its
 * maximum or mean is that of its layers' maxima or means: the layers [B·D,H,W,C] are pooled as
 * pictures, then their stacks [B,D,1,h·w·C].
 */
function pool(kernelName: string, run: 'maxPool' | 'averagePool'): NativeKernel {
  return nativeKernel(kernelName, (args) => {
    const { backend } = args;
    const { x } = args.inputs as { x: tf.TensorInfo };
    if (x.dtype !== 'float32') return runOnCpu(kernelName, args);
    const info = volumeInfo(x, args);
    // The mean of no places is 0 in volumes and NaN in pictures.
    if (run === 'averagePool' && hasEmptyWindow(info)) return runOnCpu(kernelName, args);
    const y = backend.allocate(info.outShape, 'float32');
    if (y.values.length === 0) return y.info;
    const layers = info.batchSize * info.inDepth;
    const pixels = info.outHeight * info.outWidth * info.inChannels;
    const { top, left, front } = info.padInfo;
    // A negative padding is tfjs's mistake: the windows begin at 0.
    const begin = (padding: number) => Math.max(0, padding);
    backend.withScratch(layers * pixels, (pooled) => {
      const picture = { ...info, batchSize: layers, padInfo: { top: begin(top), left: begin(left) } };
      addon()[run](pooled, backend.float32(x), poolSizes(picture));
      const stack = {
        batchSize: info.batchSize,
        inHeight: info.inDepth,
        inWidth: 1,
        inChannels: pixels,
        outHeight: info.outDepth,
        outWidth: 1,
        filterHeight: info.filterDepth,
        filterWidth: 1,
        strideHeight: info.strideDepth,
        strideWidth: 1,
        padInfo: { top: begin(front), left: 0 },
      };
      addon()[run](y.values, pooled, poolSizes(stack));
    });
    return y.info;
  });
}

/** dx [B,D,H,W,C] of a pooling, from dy: what `share` adds to dx for each window and channel. */
function poolGradient(
  kernelName: string,
  share: (dx: Float32Array, dy: number, x: Float32Array, places: readonly number[], channel: number) => void,
): NativeKernel {
  return nativeKernel(kernelName, (args) => {
    const { backend } = args;
    const { dy, input } = args.inputs as { dy: tf.TensorInfo; input: tf.TensorInfo };
    const info = volumeInfo(input, args);
    const dx = backend.allocate(input.shape, 'float32');
    dx.values.fill(0);
    const x = backend.float32(input);
    const gradient = backend.float32(dy);
    walkWindows(info, (from, places) => {
      for (let c = 0; c < info.inChannels; c++) share(dx.values, gradient[from + c] as number, x, places, c);
    });
    return dx.info;
  });
}

/** Each window shares its dy among the places inside of the volume, as TensorFlow does. */
const averageGradient = poolGradient(tf.AvgPool3DGrad, (dx, dy, _x, places, channel) => {
  for (const place of places) dx[place + channel] = (dx[place + channel] as number) + dy / places.length;
});

const mostGradient = poolGradient(tf.MaxPool3DGrad, (dx, dy, x, places, channel) => {
  const at = placeOfMost(x, places, channel);
  if (at !== undefined) dx[at] = (dx[at] as number) + dy;
});

/**
 * The extents that a convolution's windows reach where the padding is 'same' and windows are apart:
 * with those in place of the volume's, no padding is negative.
 */
function reached(
  shape: readonly number[],
  filter: readonly number[],
  attrs: KernelArguments['attrs'],
): number[] {
  const { strides, dilations, pad } = attrs as unknown as tf.Conv3DAttrs;
  if (pad !== 'same') return [...shape];
  const along = (of: number | readonly number[] | undefined, axis: number): number =>
    typeof of === 'number' ? of : (of?.[axis] ?? 1);
  return shape.map((extent, i) => {
    if (i === 0 || i === 4) return extent;
    const stride = along(strides, i - 1);
    const window = ((filter[i - 1] as number) - 1) * along(dilations, i - 1) + 1;
    return Math.min(extent, (Math.ceil(extent / stride) - 1) * stride + window);
  });
}

/**
 * The part of x at the start of each axis, or with `whole` larger than x, x there and zeros beyond.
 */
function resized(backend: NativeBackend, x: tf.TensorInfo, shape: readonly number[]): tf.TensorInfo {
  const y = backend.allocate([...shape], 'float32');
  y.values.fill(0);
  const common = shape.map((extent, axis) => Math.min(extent, x.shape[axis] as number));
  if (sizeOf(common) > 0)
    stridedCopy(y.values, 0, stepsOf(shape), backend.float32(x), 0, stepsOf(x.shape), common);
  return y.info;
}

/**
 * A convolution of volumes, or its gradient by the filter, with the part of x that its windows
 * reach.
 */
function convolution(
  kernelName: string,
  filterOf: (args: KernelArguments) => readonly number[],
): NativeKernel {
  return nativeKernel(kernelName, (args) => {
    const { x } = args.inputs as { x: tf.TensorInfo };
    const shape = reached(x.shape, filterOf(args), args.attrs);
    if (tf.util.arraysEqual(shape, x.shape)) return runOnCpu(kernelName, args);
    const part = resized(args.backend, x, shape);
    const y = runOnCpu(kernelName, { ...args, inputs: { ...args.inputs, x: part } });
    args.backend.disposeData(part.dataId);
    return y;
  });
}

/** dx of a convolution of volumes: zeros where no window reaches. */
const convolutionInputGradient = nativeKernel(tf.Conv3DBackpropInputV2, (args) => {
  const { filter } = args.inputs as { filter: tf.TensorInfo };
  const { inputShape } = args.attrs as { inputShape: number[] };
  const shape = reached(inputShape, filter.shape, args.attrs);
  if (tf.util.arraysEqual(shape, inputShape)) return runOnCpu(tf.Conv3DBackpropInputV2, args);
  const part = runOnCpu(tf.Conv3DBackpropInputV2, { ...args, attrs: { ...args.attrs, inputShape: shape } });
  const dx = resized(args.backend, part, inputShape);
  args.backend.disposeData(part.dataId);
  return dx;
});

/** Poolings and convolutions of volumes, and their gradients. */
export const volumeKernels: readonly NativeKernel[] = [
  pool(tf.AvgPool3D, 'averagePool'),
  pool(tf.MaxPool3D, 'maxPool'),
  averageGradient,
  mostGradient,
  convolution(tf.Conv3D, ({ inputs }) => (inputs.filter as tf.TensorInfo).shape),
  convolution(tf.Conv3DBackpropFilterV2, ({ attrs }) => attrs.filterShape as number[]),
  convolutionInputGradient,
];
