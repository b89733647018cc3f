import * as tf from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { type NativeKernel, nativeKernel, runOnCpu, sizeOf } from './kernel.js';

/** For each of `to` lines the one of `from` lines that it copies, as the cpu backend chooses it. */
function nearestLines(
  from: number,
  to: number,
  alignCorners: boolean,
  halfPixelCenters: boolean,
): Int32Array {
  const ratio = alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to;
  const lines = new Int32Array(to);
  for (let i = 0; i < to; i++) {
    const position = ratio * (halfPixelCenters ? i + 0.5 : i);
    lines[i] = Math.min(from - 1, alignCorners ? Math.round(position) : Math.floor(position));
  }
  return lines;
}

/** images [B, H, W, C] at another size, each pixel the nearest one. */
const resizeNearest = nativeKernel(tf.ResizeNearestNeighbor, (args) => {
  const { backend } = args;
  const { images } = args.inputs as { images: tf.TensorInfo };
  const { alignCorners, halfPixelCenters, size } = args.attrs as {
    alignCorners: boolean;
    halfPixelCenters: boolean;
    size: [number, number];
  };
  const [batch, rows, columns, channels] = images.shape as [number, number, number, number];
  if (images.dtype !== 'float32' || sizeOf(images.shape) === 0)
    return runOnCpu(tf.ResizeNearestNeighbor, args);
  const y = backend.allocate([batch, ...size, channels], 'float32');
  addon().resizeNearest(
    y.values,
    backend.float32(images),
    nearestLines(rows, size[0], alignCorners, halfPixelCenters),
    nearestLines(columns, size[1], alignCorners, halfPixelCenters),
    batch,
    rows,
    columns,
    channels,
  );
  return y.info;
});

/**
 * dx of ResizeNearestNeighbor, its adjoint. (The cpu backend's kernel of tfjs 4.22.0 finds the pictures of dy with the steps of x, so its result is wrong
 * from the second picture of a batch on, and knows no half-pixel centres.)
 */
const resizeNearestGrad = nativeKernel(tf.ResizeNearestNeighborGrad, (args) => {
  const { backend } = args;
  const { images, dy } = args.inputs as { images: tf.TensorInfo; dy: tf.TensorInfo };
  const { alignCorners, halfPixelCenters } = args.attrs as {
    alignCorners: boolean;
    halfPixelCenters?: boolean;
  };
  const [batch, rows, columns, channels] = images.shape as [number, number, number, number];
  const [, toRows, toColumns] = dy.shape as [number, number, number, number];
  if (dy.dtype !== 'float32' || sizeOf(images.shape) === 0 || sizeOf(dy.shape) === 0)
    return runOnCpu(tf.ResizeNearestNeighborGrad, args);
  const dx = backend.allocate(images.shape, 'float32');
  addon().resizeNearestGrad(
    backend.float32(dy),
    dx.values,
    nearestLines(rows, toRows, alignCorners, halfPixelCenters ?? false),
    nearestLines(columns, toColumns, alignCorners, halfPixelCenters ?? false),
    batch,
    rows,
    columns,
    channels,
  );
  return dx.info;
});

/** For each of `to` lines the two of `from` lines between which it lies, and how far it is from the first, as the cpu backend has it. */
function linesBetween(
  from: number,
  to: number,
  alignCorners: boolean,
  halfPixelCenters: boolean,
): [Int32Array, Int32Array, Float32Array] {
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
}

/** images [B, H, W, C] at another size, each pixel a weighted mean of the four around it. */
const resizeBilinear = nativeKernel(tf.ResizeBilinear, (args) => {
  const { backend } = args;
  const { images } = args.inputs as { images: tf.TensorInfo };
  const { alignCorners, halfPixelCenters, size } = args.attrs as {
    alignCorners: boolean;
    halfPixelCenters: boolean;
    size: [number, number];
  };
  const [batch, rows, columns, channels] = images.shape as [number, number, number, number];
  if (images.dtype !== 'float32' || sizeOf(images.shape) === 0) return runOnCpu(tf.ResizeBilinear, args);
  const y = backend.allocate([batch, ...size, channels], 'float32');
  addon().resizeBilinear(
    y.values,
    backend.float32(images),
    ...linesBetween(rows, size[0], alignCorners, halfPixelCenters),
    ...linesBetween(columns, size[1], alignCorners, halfPixelCenters),
    batch,
    rows,
    columns,
    channels,
  );
  return y.info;
});

/**
 * dx of ResizeBilinear, its adjoint. (The cpu backend's kernel of tfjs 4.22.0 exchanges height and width in the shape of dx, and knows no half-pixel
 * centres.)
 */
const resizeBilinearGrad = nativeKernel(tf.ResizeBilinearGrad, (args) => {
  const { backend } = args;
  const { images, dy } = args.inputs as { images: tf.TensorInfo; dy: tf.TensorInfo };
  const { alignCorners, halfPixelCenters } = args.attrs as {
    alignCorners: boolean;
    halfPixelCenters?: boolean;
  };
  const [batch, rows, columns, channels] = images.shape as [number, number, number, number];
  const [, toRows, toColumns] = dy.shape as [number, number, number, number];
  if (dy.dtype !== 'float32' || sizeOf(images.shape) === 0 || sizeOf(dy.shape) === 0)
    return runOnCpu(tf.ResizeBilinearGrad, args);
  const dx = backend.allocate(images.shape, 'float32');
  addon().resizeBilinearGrad(
    dx.values,
    backend.float32(dy),
    ...linesBetween(rows, toRows, alignCorners, halfPixelCenters ?? false),
    ...linesBetween(columns, toColumns, alignCorners, halfPixelCenters ?? false),
    batch,
    rows,
    columns,
    channels,
  );
  return dx.info;
});

/** Resizing by the nearest neighbour and bilinearly, and the gradients. */
export const resizeKernels: readonly NativeKernel[] = [
  resizeNearest,
  resizeNearestGrad,
  resizeBilinear,
  resizeBilinearGrad,
];
