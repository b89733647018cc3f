import * as tf from '@tensorflow/tfjs';

type Gradient = NonNullable<ReturnType<typeof tf.getGradient>>;

/**
 * Whether this backward pass is itself recorded. If so, it must use operations that have gradients.
 */
function isRecorded(): boolean {
  const { state } = tf.engine() as unknown as { state: { gradientDepth: number; kernelDepth: number } };
  return state.gradientDepth > 0 && state.kernelDepth === 0;
}

/**
 * Replaces tfjs's gradient of a kernel on this backend, where `fits` says so. tfjs registers
 * gradients for all backends at once, so its own still serves on others, and where the pass is
 * recorded.
 */
function replace(
  kernelName: string,
  backendName: string,
  fits: (dy: tf.Tensor, saved: readonly tf.Tensor[]) => boolean,
  gradient: (dy: tf.Tensor, saved: readonly tf.Tensor[], attrs: tf.NamedAttrMap) => tf.Tensor,
  input: string,
): void {
  const own = tf.getGradient(kernelName) as Gradient | undefined;
  if (own === undefined) return;
  tf.registerGradient({
    ...own,
    gradFunc: (dys, saved, attrs) => {
      const dy = dys as tf.Tensor;
      if (tf.getBackend() !== backendName || isRecorded() || !fits(dy, saved))
        return own.gradFunc(dys, saved, attrs);
      return { [input]: () => gradient(dy, saved, attrs) };
    },
  });
}

const run = (kernelName: string, inputs: tf.NamedTensorMap, attrs?: object) =>
  tf.engine().runKernel(kernelName, inputs, attrs as tf.NamedAttrMap) as tf.Tensor;

const areFloat = (dy: tf.Tensor, [saved]: readonly tf.Tensor[]) =>
  dy.dtype === 'float32' && saved?.dtype === 'float32';

/** Makes gradients one kernel that tfjs composes of several, or of tensors made on the CPU. */
export function registerGpuGradients(backendName: string): void {
  for (const [kernelName, gradKernel] of [
    [tf.Softmax, 'SoftmaxGrad'],
    [tf.LogSoftmax, 'LogSoftmaxGrad'],
  ] as const)
    replace(
      kernelName,
      backendName,
      areFloat,
      (dy, [y]) => run(gradKernel, { dy, y: y as tf.Tensor }),
      'logits',
    );
  replace(tf.Relu, backendName, areFloat, (dy, [x]) => run('ReluGrad', { dy, x: x as tf.Tensor }), 'x');
  for (const kernelName of [tf.Sum, tf.Mean])
    replace(
      kernelName,
      backendName,
      (dy, saved) => areFloat(dy, saved) && dy.size > 0,
      (dy, [x], attrs) => {
        const { shape, size } = x as tf.Tensor;
        const axes = tf.util.parseAxisParam(attrs.axis as number | number[], shape);
        const kept = shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
        const divisor = kernelName === tf.Mean ? size / dy.size : 1;
        return run('SumGrad', { dy: tf.reshape(dy, kept) }, { shape, divisor });
      },
      'x',
    );
}
