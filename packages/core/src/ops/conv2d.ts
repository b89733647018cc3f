import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../errors.js';
import { tapeIsOn } from './tape.js';

/** 'same' and 'valid' as TensorFlow means them, or zero rows and columns [[top, bottom], [left, right]]. */
export type Conv2dPadding =
  | 'same'
  | 'valid'
  | readonly [readonly [number, number], readonly [number, number]];

/** Settings of `conv2d`. */
export interface Conv2dOptions {
  /** Step in both directions (default 1). */
  readonly stride?: number;
  /** Default 'same'. */
  readonly padding?: Conv2dPadding;
}

/**
 * Cross-correlation, as every framework's convolution layer.
 *
 * x: float32 [B, H, W, I]; kernel: [h, w, I, O]; bias: [O] or undefined; result [B, H', W', O]. Throws ShapeError if sizes do not fit.
 */
export function conv2d(
  x: tf.Tensor4D,
  kernel: tf.Tensor4D,
  bias: tf.Tensor | undefined,
  options: Conv2dOptions = {},
): tf.Tensor4D {
  const { stride = 1, padding = 'same' } = options;
  if (x.rank !== 4 || kernel.rank !== 4 || x.shape[3] !== kernel.shape[2]) {
    throw new ShapeError(
      `conv2d: expected x [B, H, W, I] for kernel [h, w, I, O] = [${kernel.shape}], got [${x.shape}]. Do config and checkpoint match?`,
    );
  }
  if (bias !== undefined && (bias.rank !== 1 || bias.shape[0] !== kernel.shape[3])) {
    throw new ShapeError(
      `conv2d: expected bias [${kernel.shape[3]}] for kernel [${kernel.shape}], got [${bias.shape}].`,
    );
  }
  if (typeof padding !== 'string' && tf.getBackend() === 'tensorflow' && tapeIsOn()) {
    // Its convolutions take zeros around the picture, but their gradients do not.
    const zeros: [number, number][] = [[0, 0], [...padding[0]], [...padding[1]], [0, 0]];
    return tf.tidy(() => conv2d(tf.pad(x, zeros), kernel, bias, { stride, padding: 'valid' }));
  }
  const pad: Parameters<typeof tf.conv2d>[3] =
    typeof padding === 'string' ? padding : [[0, 0], [...padding[0]], [...padding[1]], [0, 0]];
  if (bias === undefined) return tf.conv2d(x, kernel, stride, pad);
  // Under a tape the fused form saves its whole output for a gradient that does not need it.
  if (tapeIsOn()) return tf.tidy(() => tf.add(tf.conv2d(x, kernel, stride, pad), bias));
  return tf.fused.conv2d({ x, filter: kernel, strides: stride, pad, bias }) as tf.Tensor4D;
}
