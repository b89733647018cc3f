import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../errors.js';
import type { KernelAttributes } from '../kernel-contract/types.js';
import { hasKernel, registerGradientOnce, runKernel } from './fused-kernel.js';
import { tapeIsOn } from './tape.js';

/**
 * 'same' and 'valid' as TensorFlow means them, or the numbers of zero rows and columns [[top,
 * bottom], [left, right]].
 */
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
  /** Default none. */
  readonly activation?: 'relu';
}

/**
 * Cross-correlation, as in every framework's convolution layer: activation(x ⋆ kernel + bias).
 *
 * x is float32 [B, H, W, I]; kernel [h, w, I, O]; bias [O] or undefined; the result [B, H', W', O].
 * Throws ShapeError if sizes do not fit.
 */
export function conv2d(
  x: tf.Tensor4D,
  kernel: tf.Tensor4D,
  bias: tf.Tensor | undefined,
  options: Conv2dOptions = {},
): tf.Tensor4D {
  const { stride = 1, padding = 'same', activation } = options;
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
  if (typeof padding !== 'string' && tapeIsOn() && !hasKernel('BiasedConv2D')) {
    // The gradients of tfjs-node's convolutions cannot take explicit zeros around the picture.
    const zeros: [number, number][] = [[0, 0], [...padding[0]], [...padding[1]], [0, 0]];
    return tf.tidy(() => conv2d(tf.pad(x, zeros), kernel, bias, { ...options, padding: 'valid' }));
  }
  const pad: Pad = typeof padding === 'string' ? padding : [[0, 0], [...padding[0]], [...padding[1]], [0, 0]];
  if (bias === undefined && activation === undefined) return tf.conv2d(x, kernel, stride, pad);
  if (!tapeIsOn()) {
    const after = {
      ...(bias === undefined ? {} : { bias }),
      ...(activation === undefined ? {} : { activation }),
    };
    return tf.fused.conv2d({ x, filter: kernel, strides: stride, pad, ...after }) as tf.Tensor4D;
  }
  const name = activation === undefined ? 'BiasedConv2D' : 'ReluConv2D';
  if (x.dtype !== 'float32' || !hasKernel(name)) return plainConv2d(x, kernel, bias, stride, pad, activation);
  const attributes = {
    strides: [stride, stride],
    pad,
    dataFormat: 'NHWC',
    dilations: [1, 1],
  } satisfies Conv2dAttributes;
  return runKernel(name, { x, filter: kernel, bias }, attributes)[0] as tf.Tensor4D;
}

type Pad = Parameters<typeof tf.conv2d>[3];

/**
 * conv2d in single tfjs operations. tfjs's fused form saves its whole output for a gradient that
 * does not need it.
 */
function plainConv2d(
  x: tf.Tensor4D,
  kernel: tf.Tensor4D,
  bias: tf.Tensor | undefined,
  stride: number,
  pad: Pad,
  activation: 'relu' | undefined,
): tf.Tensor4D {
  return tf.tidy(() => {
    const product = tf.conv2d(x, kernel, stride, pad);
    const z: tf.Tensor4D = bias === undefined ? product : tf.add(product, bias);
    return activation === undefined ? z : tf.relu(z);
  });
}

type Conv2dAttributes = KernelAttributes<'BiasedConv2D'>;

/** The gradients, from dz, the gradient of the activation's input. */
function gradientsFrom(dz: tf.Tensor, x: tf.Tensor, filter: tf.Tensor, attrs: Conv2dAttributes) {
  const { strides, pad, dataFormat } = attrs;
  const settings = { strides, pad, dataFormat };
  const run = (name: string, inputs: tf.NamedTensorMap, attributes: tf.NamedAttrMap) =>
    tf.engine().runKernel(name, inputs, { ...settings, ...attributes }) as tf.Tensor;
  return {
    x: () => run(tf.Conv2DBackpropInput, { dy: dz, filter }, { inputShape: x.shape }),
    filter: () => run(tf.Conv2DBackpropFilter, { x, dy: dz }, { filterShape: filter.shape }),
    bias: () => tf.sum(dz, [0, 1, 2]),
  };
}

// Neither gradient needs the product: relu's output says where its input was above 0.
registerGradientOnce({
  kernelName: 'BiasedConv2D',
  inputsToSave: ['x', 'filter'],
  gradFunc: (dys, saved, attrs) => {
    const [x, filter] = saved as [tf.Tensor, tf.Tensor];
    return gradientsFrom(dys as tf.Tensor, x, filter, attrs);
  },
});

registerGradientOnce({
  kernelName: 'ReluConv2D',
  inputsToSave: ['x', 'filter'],
  outputsToSave: [true],
  gradFunc: (dys, saved, attrs) => {
    const [x, filter, y] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
    const dy = dys as tf.Tensor;
    // If this is recorded for a derivative of a derivative, operations that have gradients are
    // used.
    const dz = tapeIsOn() ? tf.mul(dy, tf.step(y)) : runKernel('ReluGrad', { dy, x: y })[0];
    return gradientsFrom(dz, x, filter, attrs);
  },
});
