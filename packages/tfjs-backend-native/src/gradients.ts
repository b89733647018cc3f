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
 * Registers the gradient of Einstein's sum, which tfjs lacks: the sum of dy with the other tensor,
 * spread over the axes that this tensor alone had. It is made of operations that have gradients.
 */
function addEinsum(): void {
  if (tf.getGradient(tf.Einsum) !== undefined) return;
  tf.registerGradient({
    kernelName: tf.Einsum,
    saveAllInputs: true,
    gradFunc: (dys, saved, attrs) => {
      const dy = dys as tf.Tensor;
      const [terms, out] = (attrs.equation as string).replace(/\s/g, '').split('->') as [string, string];
      const letters = terms.split(',');
      const of = (i: number) => (): tf.Tensor => {
        const own = letters[i] as string;
        const others = saved.filter((_, other) => other !== i);
        const known = [out, ...letters.filter((_, other) => other !== i)];
        const kept = [...own].filter((letter) => known.join('').includes(letter)).join('');
        const sum = tf.einsum(`${known.join(',')}->${kept}`, dy, ...others);
        const { shape } = saved[i] as tf.Tensor;
        const spread = shape.map((extent, axis) => (kept.includes(own[axis] as string) ? extent : 1));
        return tf.broadcastTo(tf.reshape(sum, spread), shape);
      };
      return saved.map((_, i) => of(i)) as unknown as ReturnType<Gradient['gradFunc']>;
    },
  });
}

/** dy summed over the axes along which an input of `shape` was spread. */
function unspread(dy: tf.Tensor, shape: number[]): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes(shape, dy.shape);
  return tf.reshape(axes.length > 0 ? tf.sum(dy, axes) : dy, shape);
}

/** The functions of two tensors that spread over one another. */
const SPREAD = [
  tf.Add,
  tf.Sub,
  tf.Multiply,
  tf.RealDiv,
  tf.Pow,
  tf.Atan2,
  tf.Mod,
  tf.FloorDiv,
  tf.Maximum,
  tf.Minimum,
  tf.SquaredDifference,
];

/**
 * Lets a function of two tensors have its gradient where one is spread over the other. tfjs's own
 * has dy's shape for some functions, and for all of them where dy is empty and an input is not.
 */
function spread(kernelName: string, names: readonly [string, string] = ['a', 'b']): void {
  const own = tf.getGradient(kernelName) as Gradient | undefined;
  if (own === undefined) return;
  tf.registerGradient({
    ...own,
    gradFunc: (dys, saved, attrs) => {
      const gradients = own.gradFunc(dys, saved, attrs) as Record<string, () => tf.Tensor>;
      const isEmpty = (dys as tf.Tensor).size === 0;
      const of = (name: string, i: number): [string, () => tf.Tensor] => {
        const { shape } = saved[i] as tf.Tensor;
        const gradient = gradients[name] as () => tf.Tensor;
        return [name, () => (isEmpty ? tf.zeros(shape) : unspread(gradient(), shape))];
      };
      return Object.fromEntries(names.map(of));
    },
  });
}

/**
 * Lets a kernel of several outputs have its gradient where it gave one: tfjs then passes a tensor
 * for a list.
 */
function listed(kernelName: string): void {
  const own = tf.getGradient(kernelName) as Gradient | undefined;
  if (own === undefined) return;
  tf.registerGradient({
    ...own,
    gradFunc: (dys, saved, attrs) => own.gradFunc(Array.isArray(dys) ? dys : [dys], saved, attrs),
  });
}

/**
 * A tile's gradient: dy summed over the repetitions; tfjs's own ends at four axes, and adds slices
 * one by one.
 */
function addTile(): void {
  tf.registerGradient({
    kernelName: tf.Tile,
    inputsToSave: ['x'],
    gradFunc: (dys, saved, attrs) => {
      const [{ shape }] = saved as [tf.Tensor];
      const { reps } = attrs as { reps: number[] };
      const apart = shape.flatMap((extent, axis) => [reps[axis] as number, extent]);
      const axes = shape.map((_, axis) => 2 * axis);
      return {
        x: () =>
          shape.length === 0 ? (dys as tf.Tensor) : tf.sum(tf.reshape(dys as tf.Tensor, apart), axes),
      };
    },
  });
}

/**
 * Lets a sum by segments have its gradient where a row's id is the number of segments or more: the
 * sum leaves such rows out, so that theirs is 0. tfjs's own looks for the id's segment.
 */
function leaveOut(kernelName: string): void {
  const own = tf.getGradient(kernelName) as Gradient | undefined;
  if (own === undefined) return;
  tf.registerGradient({
    ...own,
    gradFunc: (dys, [ids], attrs) => {
      const dy = dys as tf.Tensor;
      const [segments = 0, ...row] = dy.shape;
      const { shape } = ids as tf.Tensor;
      if (segments === 0) return { x: () => tf.zeros([...shape, ...row]) };
      const known = tf.where(
        tf.less(ids as tf.Tensor, segments),
        ids as tf.Tensor,
        tf.fill(shape, -1, 'int32'),
      );
      return own.gradFunc(dys, [known], attrs);
    },
  });
}

const isDilated = (dilations: unknown): boolean =>
  Array.isArray(dilations) ? dilations.some((dilation) => dilation !== 1) : (dilations ?? 1) !== 1;

/**
 * Convolutions with dilation have gradients on this backend, whose kernels know it; tfjs's own
 * refuse.
 */
function dilate(kernelName: string, inputKernel: string, filterKernel: string, backendName: string): void {
  const own = tf.getGradient(kernelName) as Gradient | undefined;
  if (own === undefined) return;
  tf.registerGradient({
    ...own,
    gradFunc: (dys, saved, attrs) => {
      if (tf.getBackend() !== backendName || !isDilated(attrs.dilations))
        return own.gradFunc(dys, saved, attrs);
      const [x, filter] = saved as [tf.Tensor, tf.Tensor];
      const dy = dys as tf.Tensor;
      const shapes = { inputShape: x.shape, filterShape: filter.shape };
      const run = (name: string, inputs: tf.NamedTensorMap) =>
        tf.engine().runKernel(name, inputs, { ...attrs, ...shapes }) as tf.Tensor;
      return { x: () => run(inputKernel, { dy, filter }), filter: () => run(filterKernel, { x, dy }) };
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
  addEinsum();
  for (const kernelName of SPREAD) spread(kernelName);
  spread(tf.Prelu, ['x', 'alpha']);
  for (const kernelName of [tf.Unpack, tf.SplitV]) listed(kernelName);
  addTile();
  leaveOut(tf.UnsortedSegmentSum);
  dilate(tf.Conv2D, tf.Conv2DBackpropInput, tf.Conv2DBackpropFilter, backendName);
  dilate(
    tf.DepthwiseConv2dNative,
    tf.DepthwiseConv2dNativeBackpropInput,
    tf.DepthwiseConv2dNativeBackpropFilter,
    backendName,
  );
}
