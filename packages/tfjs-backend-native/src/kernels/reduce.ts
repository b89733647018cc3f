import * as tf from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { BINARY_OPS, REDUCTIONS } from '../addon-numbers.js';
import type { NativeBackend } from '../backend.js';
import { isNativeDtype } from '../strided-copy.js';
import { planBroadcast } from './broadcast.js';
import {
  type FusedArguments,
  fusedKernel,
  type KernelArguments,
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
  isMean: boolean,
  y: Float32Array,
  x: Float32Array,
  segments: readonly Segment[],
): void {
  const at = segments.map((segment) => segment.reduced).lastIndexOf(true);
  const { size } = segments[at] as Segment;
  const inner = segments.slice(at + 1).reduce((product, segment) => product * segment.size, 1);
  const rest = segments.filter((_, i) => i !== at);
  const scale = isMean ? 1 / size : 1;
  if (!rest.some((segment) => segment.reduced)) {
    addon().reduce(REDUCTIONS.indexOf(op), y, x, size, inner, scale);
    return;
  }
  backend.withScratch(x.length / size, (partial) => {
    addon().reduce(REDUCTIONS.indexOf(op), partial, x, size, inner, scale);
    // The neighbours of the segment that went are both kept ones or the inner one is missing: the
    // list stays valid unmerged.
    reduceSegments(backend, op, isMean, y, partial, rest);
  });
}

/** The axes of a reduction's result. */
function reducedShape(x: tf.TensorInfo, axes: readonly number[], keepDims: unknown): number[] {
  return keepDims
    ? x.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent))
    : x.shape.filter((_, axis) => !axes.includes(axis));
}

/**
 * What a reduction of no elements gives, as TensorFlow has it; tfjs's cpu kernels read beyond the
 * array.
 */
const OF_NOTHING: Readonly<Record<string, Readonly<Record<'float32' | 'int32' | 'bool', number>>>> = {
  [tf.Sum]: { float32: 0, int32: 0, bool: 0 },
  [tf.Mean]: { float32: Number.NaN, int32: Number.NaN, bool: Number.NaN },
  [tf.Prod]: { float32: 1, int32: 1, bool: 1 },
  [tf.Max]: { float32: Number.NEGATIVE_INFINITY, int32: -(2 ** 31), bool: 0 },
  [tf.Min]: { float32: Number.POSITIVE_INFINITY, int32: 2 ** 31 - 1, bool: 1 },
  [tf.All]: { float32: 1, int32: 1, bool: 1 },
  [tf.Any]: { float32: 0, int32: 0, bool: 0 },
};

/** A reduction of a tensor without elements. */
function reducedNothing(kernelName: string, args: KernelArguments, axesAttr: string): tf.TensorInfo {
  const { x } = args.inputs as { x: tf.TensorInfo };
  const axes = tf.util.parseAxisParam(args.attrs[axesAttr] as number | number[], x.shape);
  const from = x.dtype as 'float32' | 'int32' | 'bool';
  const isSum = kernelName === tf.Sum || kernelName === tf.Prod;
  const dtype = kernelName === tf.Mean ? 'float32' : isSum && from === 'bool' ? 'int32' : from;
  const y = args.backend.allocate(reducedShape(x, axes, args.attrs.keepDims), dtype);
  y.values.fill((OF_NOTHING[kernelName] as Record<string, number>)[from] as number);
  return y.info;
}

/** A reduction of the cpu backend's, but of no elements. */
const filledReduction = (kernelName: string): NativeKernel =>
  nativeKernel(kernelName, (args) => {
    const { x } = args.inputs as { x: tf.TensorInfo };
    return sizeOf(x.shape) === 0 && isNativeDtype(x.dtype)
      ? reducedNothing(kernelName, args, 'axis')
      : runOnCpu(kernelName, args);
  });

/**
 * A reduction of float32 over any axes; other dtypes go to the cpu kernel. `axesAttr` names the
 * attribute of the axes.
 */
function reduction(kernelName: string, op: Reduction, axesAttr: string, isMean = false): NativeKernel {
  return nativeKernel(kernelName, (args) => {
    const { backend, attrs } = args;
    const { x } = args.inputs as { x: tf.TensorInfo };
    const size = sizeOf(x.shape);
    if (size === 0 && isNativeDtype(x.dtype)) return reducedNothing(kernelName, args, axesAttr);
    if (x.dtype !== 'float32') return runOnCpu(kernelName, args);
    const axes = tf.util.parseAxisParam(attrs[axesAttr] as number | number[], x.shape);
    const shape = reducedShape(x, axes, attrs.keepDims);
    const segments = segmentsOf(x.shape, axes);
    if (!segments.some((segment) => segment.reduced)) return backend.alias(x, shape);
    const y = backend.allocate(shape, 'float32');
    reduceSegments(backend, op, isMean, y.values, backend.float32(x), segments);
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

/** Sum, Mean, Max, Min; Prod, All, Any of no elements. */
export const reduceKernels: readonly NativeKernel[] = [
  reduction(tf.Sum, 'sum', 'axis'),
  reduction(tf.Mean, 'sum', 'axis', true),
  reduction(tf.Max, 'max', 'reductionIndices'),
  reduction(tf.Min, 'min', 'axis'),
  filledReduction(tf.Prod),
  filledReduction(tf.All),
  filledReduction(tf.Any),
];
