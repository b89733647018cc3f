import * as tf from '@tensorflow/tfjs';

/** tfjs's own gradient of a kernel: from dy, what was saved and the attributes to a function for each input. */
type Gradient = NonNullable<ReturnType<typeof tf.getGradient>>;

/** Whether this backward pass is itself being recorded: then dy's operations must be ones that have gradients. */
function isRecorded(): boolean {
  const { state } = tf.engine() as unknown as { state: { gradientDepth: number; kernelDepth: number } };
  return state.gradientDepth > 0 && state.kernelDepth === 0;
}

/**
 * Lets the gradient of an output-saving kernel over the last axis run as one kernel on this backend. Gradients are registered for all backends at
 * once: elsewhere, and where the pass is recorded, tfjs's own composition serves as before.
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

/** Gradients of tfjs's own operations that this backend has a kernel for. */
export function registerNativeGradients(backendName: string): void {
  fuse(tf.Softmax, 'SoftmaxGrad', backendName);
  fuse(tf.LogSoftmax, 'LogSoftmaxGrad', backendName);
}
