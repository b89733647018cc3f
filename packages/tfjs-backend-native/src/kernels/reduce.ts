import * as tf from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { BINARY_OPS, REDUCTIONS } from '../addon-numbers.js';
import type { NativeBackend } from '../backend.js';
import { planBroadcast } from './broadcast.js';
import {
  type FusedArguments,
  fusedKernel,
  type NativeKernel,
  nativeKernel,
  runOnCpu,
  sizeOf,
} from './kernel.js';

type Reduction = (typeof REDUCTIONS)[number];

/** Neighbouring axes that are all reduced, or all kept, taken as one. */
interface Segment {
  readonly reduced: boolean;
  size: number;
}

function segmentsOf(shape: readonly number[], axes: readonly number[]): Segment[] {
  const segments: Segment[] = [];
  shape.forEach((extent, axis) => {
    if (extent === 1) return;
    const reduced = axes.includes(axis);
    const last = segments[segments.length - 1];
    if (last?.reduced === reduced) last.size *= extent;
    else segments.push({ reduced, size: extent });
  });
  return segments;
}

/**
 * Reduces the segments of `x` one at a time, the last one first, and writes into `y`. Each step
 * reduces the middle axis of [outer, red, inner], so nothing needs to be transposed. At least one
 * segment is reduced.
 */
function reduceSegments(
  backend: NativeBackend,
  op: Reduction,
  scale: number,
  y: Float32Array,
  x: Float32Array,
  segments: readonly Segment[],
): void {
  const at = segments.map((segment) => segment.reduced).lastIndexOf(true);
  const { size } = segments[at] as Segment;
  const inner = segments.slice(at + 1).reduce((product, segment) => product * segment.size, 1);
  const rest = segments.filter((_, i) => i !== at);
  if (!rest.some((segment) => segment.reduced)) {
    addon().reduce(REDUCTIONS.indexOf(op), y, x, size, inner, scale);
    return;
  }
  backend.withScratch(x.length / size, (partial) => {
    addon().reduce(REDUCTIONS.indexOf(op), partial, x, size, inner, 1);
    // The neighbours of the segment that went are both kept, or there is no inner one. The list
    // stays valid without merging.
    reduceSegments(backend, op, scale, y, partial, rest);
  });
}

/**
 * A reduction of float32 over any axes. Other dtypes and empty tensors go to the cpu kernel.
 * `axesAttr` names the attribute that holds the axes.
 */
function reduction(kernelName: string, op: Reduction, axesAttr: string, isMean = false): NativeKernel {
  return nativeKernel(kernelName, (args) => {
    const { backend, attrs } = args;
    const { x } = args.inputs as { x: tf.TensorInfo };
    const size = sizeOf(x.shape);
    if (x.dtype !== 'float32' || size === 0) return runOnCpu(kernelName, args);
    const axes = tf.util.parseAxisParam(attrs[axesAttr] as number | number[], x.shape);
    const shape = attrs.keepDims
      ? x.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent))
      : x.shape.filter((_, axis) => !axes.includes(axis));
    const segments = segmentsOf(x.shape, axes);
    if (!segments.some((segment) => segment.reduced)) return backend.alias(x, shape);
    const y = backend.allocate(shape, 'float32');
    const scale = isMean ? y.values.length / size : 1;
    reduceSegments(backend, op, scale, y.values, backend.float32(x), segments);
    return y.info;
  });
}

type SumGradArguments = FusedArguments<{ dy: tf.TensorInfo }, { shape: number[]; divisor: number }>;

/**
 * The gradient of a sum or mean: dx[i] = dy[..] / divisor. The divisor is 1 for a sum, and the
 * number of averaged elements for a mean. dy is float32 and keeps its reduced axes with extent 1.
 * Attributes: `shape`, that of x, and `divisor`.
 */
export const sumGrad = fusedKernel('SumGrad', ({ inputs, backend, attrs }: SumGradArguments) => {
  const { dy } = inputs;
  const { shape, divisor } = attrs;
  const plan = dy.dtype === 'float32' ? planBroadcast(dy.shape, shape) : undefined;
  if (plan === undefined || !tf.util.arraysEqual(plan.shape, shape))
    throw new Error(`SumGrad: cannot spread ${dy.dtype} [${dy.shape}] over [${shape}].`);
  const dx = backend.allocate(shape, 'float32');
  if (dx.values.length === 0) return dx.info;
  const { axes } = plan;
  axes.fill(0, (2 * axes.length) / 3); // the divisor is one value
  addon().binary(BINARY_OPS.indexOf('div'), dx.values, backend.float32(dy), Float32Array.of(divisor), axes);
  return dx.info;
});

/** Sum, Mean, Max, Min. */
export const reduceKernels: readonly NativeKernel[] = [
  reduction(tf.Sum, 'sum', 'axis'),
  reduction(tf.Mean, 'sum', 'axis', true),
  reduction(tf.Max, 'max', 'reductionIndices'),
  reduction(tf.Min, 'min', 'axis'),
];
