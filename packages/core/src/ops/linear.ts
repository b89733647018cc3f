import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../errors.js';
import { hasKernel, registerGradientOnce, runKernel } from './fused-kernel.js';
import { tapeIsOn } from './tape.js';

/**
 * y = x·kernel + bias over the last axis.
 *
 * x: float32 [.., I]; kernel: [I, O]; bias: [O] or undefined; y: [.., O]. Throws ShapeError if the sizes do not fit.
 */
export function linear(x: tf.Tensor, kernel: tf.Tensor, bias?: tf.Tensor): tf.Tensor {
  const [inputSize, outputSize] = kernel.shape as [number, number];
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
  // One call in place of three or four: in drawing, where x is a few rows, calls cost time.
  if (x.dtype === 'float32' && hasKernel('Linear')) {
    return runKernel('Linear', { x, kernel, bias })[0] as tf.Tensor;
  }
  return tf.tidy(() => {
    const rows = tf.reshape(x, [-1, inputSize]) as tf.Tensor2D;
    const y = product(rows, kernel as tf.Tensor2D, bias);
    return tf.reshape(y, [...x.shape.slice(0, -1), outputSize]);
  });
}

function product(rows: tf.Tensor2D, kernel: tf.Tensor2D, bias: tf.Tensor | undefined): tf.Tensor {
  if (bias === undefined) return tf.matMul(rows, kernel);
  // Under a tape the fused form saves its whole output for a gradient that does not need it.
  if (tapeIsOn()) return tf.add(tf.matMul(rows, kernel), bias);
  return tf.fused.matMul({ a: rows, b: kernel, bias });
}

// Its result is not saved: none of the gradients needs it.
registerGradientOnce({
  kernelName: 'Linear',
  inputsToSave: ['x', 'kernel'],
  gradFunc: (dys, saved) => {
    const [x, kernel] = saved as [tf.Tensor, tf.Tensor2D];
    const [inputSize, outputSize] = kernel.shape;
    const dy = tf.reshape(dys as tf.Tensor, [-1, outputSize]) as tf.Tensor2D;
    const rows = tf.reshape(x, [-1, inputSize]) as tf.Tensor2D;
    return {
      x: () => tf.reshape(tf.matMul(dy, kernel, false, true), x.shape),
      kernel: () => tf.matMul(rows, dy, true, false),
      bias: () => tf.sum(dy, 0),
    };
  },
});
