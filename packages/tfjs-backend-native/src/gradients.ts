import * as tf from '@tensorflow/tfjs';
import { placesOf, stridedWalk } from './kernels/strided-walk.js';

/**
 * tfjs's gradient of a kernel: from dy, the saved tensors and the attributes to a function for each
 * input.
 */
type Gradient = NonNullable<ReturnType<typeof tf.getGradient>>;

/**
 * Whether this backward pass is itself recorded. If so, it must use operations that have gradients.
 */
function isRecorded(): boolean {
  const { state } = tf.engine() as unknown as { state: { gradientDepth: number; kernelDepth: number } };
  return state.gradientDepth > 0 && state.kernelDepth === 0;
}

/**
 * Makes the gradient of a kernel over the last axis, which saves its output, one kernel on this
 * backend. tfjs registers gradients for all backends at once, so tfjs's composition still serves on
 * other backends, and where the pass is recorded.
 */
function fuse(kernelName: string, gradKernel: string, backendName: string): void {
  const own = tf.getGradient(kernelName) as Gradient | undefined;
  if (own === undefined) return;
  tf.registerGradient({
    ...own,
    gradFunc: (dys, saved, attrs) => {
      const [y] = saved as [tf.Tensor];
      if (tf.getBackend() !== backendName || isRecorded() || y.dtype !== 'float32')
        return own.gradFunc(dys, saved, attrs);
      return { logits: () => tf.engine().runKernel(gradKernel, { dy: dys as tf.Tensor, y }) as tf.Tensor };
    },
  });
}

/** Makes Relu's gradient one kernel. tfjs's own is a step, then a product. */
function fuseRelu(backendName: string): void {
  const own = tf.getGradient(tf.Relu) as Gradient | undefined;
  if (own === undefined) return;
  tf.registerGradient({
    ...own,
    gradFunc: (dys, saved, attrs) => {
      const [x] = saved as [tf.Tensor];
      const dy = dys as tf.Tensor;
      const fits = x.dtype === 'float32' && dy.dtype === 'float32';
      if (tf.getBackend() !== backendName || isRecorded() || !fits) return own.gradFunc(dys, saved, attrs);
      return { x: () => tf.engine().runKernel('ReluGrad', { dy, x }) as tf.Tensor };
    },
  });
}

/**
 * Makes a sum's or mean's gradient one kernel. tfjs's own makes a tensor of ones in JavaScript and
 * multiplies by it.
 */
function fuseSum(kernelName: string, isMean: boolean, backendName: string): void {
  const own = tf.getGradient(kernelName) as Gradient | undefined;
  if (own === undefined) return;
  tf.registerGradient({
    ...own,
    gradFunc: (dys, saved, attrs) => {
      const [{ shape, dtype, size }] = saved as [tf.Tensor];
      const dy = dys as tf.Tensor;
      const fits = dtype === 'float32' && dy.dtype === 'float32' && size > 0;
      if (tf.getBackend() !== backendName || isRecorded() || !fits) return own.gradFunc(dys, saved, attrs);
      const axes = tf.util.parseAxisParam(attrs.axis as number | number[], shape);
      const kept = shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
      const divisor = isMean ? size / dy.size : 1;
      const run = () => tf.engine().runKernel('SumGrad', { dy: tf.reshape(dy, kept) }, { shape, divisor });
      return { x: run as () => tf.Tensor };
    },
  });
}

/**
 * Registers a strided slice's gradient, which tfjs lacks: dy at the places that were taken, 0
 * elsewhere.
 */
function addStridedSlice(): void {
  if (tf.getGradient(tf.StridedSlice) !== undefined) return;
  tf.registerGradient({
    kernelName: tf.StridedSlice,
    inputsToSave: ['x'],
    gradFunc: (dys, saved, attrs) => {
      const [{ shape, size }] = saved as [tf.Tensor];
      const dy = dys as tf.Tensor;
      const place = (): tf.Tensor => {
        if (dy.size === 0) return tf.zeros(shape);
        const places = tf.tensor2d(placesOf(stridedWalk(shape, attrs)), [dy.size, 1], 'int32');
        return tf.reshape(tf.scatterND(places, tf.reshape(dy, [dy.size]), [size]), shape);
      };
      return { x: place };
    },
  });
}

/**
 * Registers gradients of tfjs's operations that this backend has a kernel for, or that tfjs lacks.
 */
export function registerNativeGradients(backendName: string): void {
  fuse(tf.Softmax, 'SoftmaxGrad', backendName);
  fuse(tf.LogSoftmax, 'LogSoftmaxGrad', backendName);
  fuseRelu(backendName);
  fuseSum(tf.Sum, false, backendName);
  fuseSum(tf.Mean, true, backendName);
  addStridedSlice();
}
