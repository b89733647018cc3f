import * as tf from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { asWords } from '../strided-copy.js';
import { type NativeKernel, nativeKernel, runOnCpu, sizeOf } from './kernel.js';

type Extents = [batch: number, rows: number, columns: number, channels: number];

/** Boxes of images, resized. */
const cropAndResize = nativeKernel(tf.CropAndResize, (args) => {
  const { backend } = args;
  const { image, boxes, boxInd } = args.inputs as Record<'image' | 'boxes' | 'boxInd', tf.TensorInfo>;
  const { cropSize, method, extrapolationValue } = args.attrs as {
    cropSize: [number, number];
    method: 'bilinear' | 'nearest';
    extrapolationValue: number;
  };
  const isNative = image.dtype === 'float32' && boxes.dtype === 'float32' && boxInd.dtype === 'int32';
  const extents = image.shape as Extents;
  const shape = [boxes.shape[0] as number, ...cropSize, extents[3]];
  if (!isNative || sizeOf(image.shape) === 0 || sizeOf(shape) === 0) return runOnCpu(tf.CropAndResize, args);
  const y = backend.allocate(shape, 'float32');
  const nearest = method === 'nearest';
  addon().cropAndResize(
    y.values,
    backend.float32(image),
    backend.float32(boxes),
    backend.int32(boxInd),
    nearest,
    extrapolationValue,
    ...cropSize,
    ...extents,
  );
  return y.info;
});

/** Opacity where a colour is given for what lies outside of a turned image. */
const OPAQUE = 255;

/** Images turned around a centre. */
const rotateWithOffset = nativeKernel(tf.RotateWithOffset, (args) => {
  const { backend } = args;
  const { image } = args.inputs as { image: tf.TensorInfo };
  const { radians, fillValue, center } = args.attrs as {
    radians: number;
    fillValue: number | [number, number, number];
    center: number | [number, number];
  };
  const { dtype } = image;
  const extents = image.shape as Extents;
  const [, rows, columns, channels] = extents;
  if ((dtype !== 'float32' && dtype !== 'int32') || sizeOf(image.shape) === 0)
    return runOnCpu(tf.RotateWithOffset, args);
  const y = backend.allocate(image.shape, dtype);
  const fill = dtype === 'float32' ? new Float32Array(channels) : new Int32Array(channels);
  for (let c = 0; c < channels; c++)
    fill[c] = typeof fillValue === 'number' ? fillValue : c === 3 ? OPAQUE : (fillValue[c] as number);
  const centre = tf.backend_util.getImageCenter(center, rows, columns);
  const values = asWords(backend.values(image) as Float32Array | Int32Array);
  addon().rotate(asWords(y.values), values, asWords(fill), radians, ...centre, ...extents);
  return y.info;
});

/** Kernels that take pixels from computed places of images. */
export const sampleKernels: readonly NativeKernel[] = [cropAndResize, rotateWithOffset];
