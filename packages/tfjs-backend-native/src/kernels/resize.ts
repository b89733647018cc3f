import * as tf from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { type NativeKernel, nativeKernel, runOnCpu, sizeOf } from './kernel.js';

/** What each of `to` lines of an axis is made from, of `from` lines, as the cpu backend chooses. */
type LinesOf<Lines extends unknown[]> = (
  from: number,
  to: number,
  alignCorners: boolean,
  halfPixelCenters: boolean,
) => Lines;

/**
 * The addon's function. Its arguments are the output, the input, the lines of rows and of columns,
 * then batch, rows, columns and channels of the images.
 */
type Resizing<Lines extends unknown[]> = (
  to: Float32Array,
  from: Float32Array,
  ...rest: [...Lines, ...Lines, number, number, number, number]
) => void;

type Extents = [batch: number, rows: number, columns: number, channels: number];

/** The line that each line copies. */
const nearestLines: LinesOf<[Int32Array]> = (from, to, alignCorners, halfPixelCenters) => {
  const ratio = alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to;
  const lines = new Int32Array(to);
  for (let i = 0; i < to; i++) {
    const position = ratio * (halfPixelCenters ? i + 0.5 : i);
    lines[i] = Math.min(from - 1, alignCorners ? Math.round(position) : Math.floor(position));
  }
  return [lines];
};

/** The two lines between which each line lies, and how far it is from the first. */
const linesBetween: LinesOf<[first: Int32Array, second: Int32Array, fraction: Float32Array]> = (
  from,
  to,
  alignCorners,
  halfPixelCenters,
) => {
  const ratio = alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to;
  const first = new Int32Array(to);
  const second = new Int32Array(to);
  const fraction = new Float32Array(to);
  for (let i = 0; i < to; i++) {
    const position = halfPixelCenters ? ratio * (i + 0.5) - 0.5 : ratio * i;
    const below = Math.max(0, Math.floor(position));
    first[i] = below;
    second[i] = Math.min(from - 1, Math.ceil(position));
    fraction[i] = position - below;
  }
  return [first, second, fraction];
};

/** Images [B, H, W, C] in another size. */
function resized<Lines extends unknown[]>(
  kernelName: string,
  linesOf: LinesOf<Lines>,
  resize: Resizing<Lines>,
): NativeKernel {
  return nativeKernel(kernelName, (args) => {
    const { backend } = args;
    const { images } = args.inputs as { images: tf.TensorInfo };
    const { alignCorners, halfPixelCenters, size } = args.attrs as {
      alignCorners: boolean;
      halfPixelCenters: boolean;
      size: [number, number];
    };
    const extents = images.shape as Extents;
    const [batch, rows, columns, channels] = extents;
    if (images.dtype !== 'float32' || sizeOf(images.shape) === 0) return runOnCpu(kernelName, args);
    const y = backend.allocate([batch, ...size, channels], 'float32');
    const rowLines = linesOf(rows, size[0], alignCorners, halfPixelCenters);
    const columnLines = linesOf(columns, size[1], alignCorners, halfPixelCenters);
    resize(y.values, backend.float32(images), ...rowLines, ...columnLines, ...extents);
    return y.info;
  });
}

/** dx of a resize, which is its adjoint. */
function resizeGradient<Lines extends unknown[]>(
  kernelName: string,
  linesOf: LinesOf<Lines>,
  adjoint: Resizing<Lines>,
): NativeKernel {
  return nativeKernel(kernelName, (args) => {
    const { backend } = args;
    const { images, dy } = args.inputs as { images: tf.TensorInfo; dy: tf.TensorInfo };
    const { alignCorners, halfPixelCenters = false } = args.attrs as {
      alignCorners: boolean;
      halfPixelCenters?: boolean;
    };
    const extents = images.shape as Extents;
    const [, rows, columns] = extents;
    const [, toRows, toColumns] = dy.shape as Extents;
    if (dy.dtype !== 'float32' || sizeOf(images.shape) === 0 || sizeOf(dy.shape) === 0)
      return runOnCpu(kernelName, args);
    const dx = backend.allocate(images.shape, 'float32');
    const rowLines = linesOf(rows, toRows, alignCorners, halfPixelCenters);
    const columnLines = linesOf(columns, toColumns, alignCorners, halfPixelCenters);
    adjoint(dx.values, backend.float32(dy), ...rowLines, ...columnLines, ...extents);
    return dx.info;
  });
}

/**
 * Resizing by the nearest neighbour and bilinearly, and the gradients. The cpu backend's gradients
 * in tfjs 4.22.0 differ. They know no half-pixel centres. That of the nearest neighbour finds the
 * pictures of dy with the steps of x, so its result is wrong from the second picture of a batch on.
 * The bilinear one exchanges height and width in the shape of dx.
 */
export const resizeKernels: readonly NativeKernel[] = [
  resized(tf.ResizeNearestNeighbor, nearestLines, (...args) => addon().resizeNearest(...args)),
  resizeGradient(tf.ResizeNearestNeighborGrad, nearestLines, (dx, dy, ...rest) =>
    addon().resizeNearestGrad(dy, dx, ...rest),
  ),
  resized(tf.ResizeBilinear, linesBetween, (...args) => addon().resizeBilinear(...args)),
  resizeGradient(tf.ResizeBilinearGrad, linesBetween, (...args) => addon().resizeBilinearGrad(...args)),
];
