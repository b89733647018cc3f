import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../errors.js';
import { FUSABLE_ACTIVATIONS, type FusableActivation } from './activation.js';
import { hasKernel, registerGradientOnce, runKernel } from './fused-kernel.js';
import { summing, tapeIsOn } from './tape.js';

/** What follows the product in `linear`. */
export interface LinearOptions {
  /** Default none. */
  readonly activation?: FusableActivation;
  /** Added at the end: float32 [.., O]. */
  readonly residual?: tf.Tensor;
}

/**
 * y = activation(x·kernel + bias) + residual over the last axis.
 *
 * x is float32 [.., I]; kernel [I, O]; bias [O] or undefined; residual and y [.., O]. Where the
 * backend has the kernel, this is one pass over y. Under a tape the activation is an operation of
 * its own, since its gradient needs its input. Throws ShapeError if the sizes do not fit.
 */
export function linear(
  x: tf.Tensor,
  kernel: tf.Tensor,
  bias?: tf.Tensor,
  options: LinearOptions = {},
): tf.Tensor {
  const [inputSize, outputSize] = kernel.shape as [number, number];
  const { activation, residual } = options;
  if (kernel.rank !== 2 || x.rank < 1 || x.shape[x.rank - 1] !== inputSize) {
    throw new ShapeError(
      `linear: expected x with last axis ${inputSize} for kernel [${kernel.shape}], got [${x.shape}]. Do config and checkpoint match?`,
    );
  }
  if (bias !== undefined && (bias.rank !== 1 || bias.shape[0] !== outputSize)) {
    throw new ShapeError(
      `linear: expected bias [${outputSize}] for kernel [${kernel.shape}], got [${bias.shape}].`,
    );
  }
  if (residual !== undefined && `${residual.shape}` !== `${[...x.shape.slice(0, -1), outputSize]}`) {
    throw new ShapeError(
      `linear: expected residual [${[...x.shape.slice(0, -1), outputSize]}], as the result, got [${residual.shape}].`,
    );
  }
  if (x.dtype !== 'float32' || !hasKernel('Linear')) return plainLinear(x, kernel, bias, options);
  if (activation === undefined) return runKernel('Linear', { x, kernel, bias, residual })[0];
  if (!tapeIsOn()) return runKernel('Linear', { x, kernel, bias, residual }, { activation })[0];
  return tf.tidy(() => {
    const [z] = runKernel('Linear', { x, kernel, bias });
    const y = FUSABLE_ACTIVATIONS[activation](z);
    return residual === undefined ? y : tf.add(y, residual);
  });
}

/** linear in tfjs operations. */
export function plainLinear(
  x: tf.Tensor,
  kernel: tf.Tensor,
  bias?: tf.Tensor,
  { activation, residual }: LinearOptions = {},
): tf.Tensor {
  const [inputSize, outputSize] = kernel.shape as [number, number];
  return tf.tidy(() => {
    const rows = tf.reshape(x, [-1, inputSize]) as tf.Tensor2D;
    const z = tf.reshape(product(rows, kernel as tf.Tensor2D, bias), [...x.shape.slice(0, -1), outputSize]);
    const y = activation === undefined ? z : FUSABLE_ACTIVATIONS[activation](z);
    return residual === undefined ? y : tf.add(y, residual);
  });
}

function product(rows: tf.Tensor2D, kernel: tf.Tensor2D, bias: tf.Tensor | undefined): tf.Tensor {
  if (bias === undefined) return tf.matMul(rows, kernel);
  // Under a tape, the fused form would save its whole output for a gradient that does not need it.
  if (tapeIsOn()) return tf.add(tf.matMul(rows, kernel), bias);
  return tf.fused.matMul({ a: rows, b: kernel, bias });
}

// The result is not saved, since none of the gradients needs it. On a tape there is no activation.
registerGradientOnce({
  kernelName: 'Linear',
  inputsToSave: ['x', 'kernel'],
  gradFunc: (dys, saved) => {
    const [x, kernel] = saved as [tf.Tensor, tf.Tensor2D];
    const dy = dys as tf.Tensor;
    const [inputSize, outputSize] = kernel.shape;
    const rows = (of: tf.Tensor, width: number) => tf.reshape(of, [-1, width]) as tf.Tensor2D;
    const bias = () => tf.sum(rows(dy, outputSize), 0);
    if (tapeIsOn()) {
      // If this is recorded for a derivative of a derivative, operations that have gradients are
      // used.
      return {
        x: () => tf.reshape(tf.matMul(rows(dy, outputSize), kernel, false, true), x.shape),
        kernel: () => tf.matMul(rows(x, inputSize), rows(dy, outputSize), true, false),
        bias,
        residual: () => tf.clone(dy),
      };
    }
    return {
      x: summing(
        (residual) => runKernel('Linear', { x: dy, kernel, residual }, { transposeKernel: true })[0],
      ),
      kernel: () => runKernel('LinearKernelGrad', { x, dy })[0],
      bias,
      residual: () => tf.clone(dy),
    };
  },
});
