import * as tf from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { BINARY_OPS, PLAIN_REDUCTIONS, REDUCTIONS } from '../addon-numbers.js';
import type { NativeBackend, NativeDtype } from '../backend.js';
import type { NumericArray } from '../numeric-array.js';
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

type PlainReduction = (typeof PLAIN_REDUCTIONS)[number];

/** How a kernel reduces: float32 in the vector kernels, and what it does to other dtypes. */
interface Forms {
  readonly float32?: Reduction;
  readonly plain: Partial<Record<NativeDtype, PlainReduction>>;
}

/** As reduceSegments, in the elements' own type. */
function reducePlainSegments(
  backend: NativeBackend,
  op: PlainReduction,
  y: NumericArray,
  x: NumericArray,
  segments: readonly Segment[],
): void {
  const at = segments.map((segment) => segment.reduced).lastIndexOf(true);
  const { size } = segments[at] as Segment;
  const inner = sizeOf(segments.slice(at + 1).map((segment) => segment.size));
  const rest = segments.filter((_, i) => i !== at);
  const isLast = !rest.some((segment) => segment.reduced);
  const to = isLast ? y : (new (x.constructor as Float32ArrayConstructor)(x.length / size) as NumericArray);
  addon().reducePlain(PLAIN_REDUCTIONS.indexOf(op), to as Float32Array, x as Float32Array, size, inner);
  if (!isLast) reducePlainSegments(backend, op, y, to, rest);
}

/** A tensor's values, those of a bool as integers if need be. */
function valuesAs(backend: NativeBackend, x: tf.TensorInfo, dtype: NativeDtype): NumericArray {
  if (x.dtype === 'float32') return backend.float32(x);
  if (x.dtype === dtype) return backend.values(x);
  const whole = new Int32Array(sizeOf(x.shape));
  addon().convert(whole, backend.bool(x));
  return whole;
}

/**
 * A reduction over any axes; dtypes without a form go to the cpu kernel. `axesAttr` names the
 * attribute of the axes. Sums and products of bools are int32.
 */
function reduction(
  kernelName: string,
  { float32, plain }: Forms,
  axesAttr = 'axis',
  isMean = false,
): NativeKernel {
  const countsBools = kernelName === tf.Sum || kernelName === tf.Prod;
  return nativeKernel(kernelName, (args) => {
    const { backend, attrs } = args;
    const { x } = args.inputs as { x: tf.TensorInfo };
    if (!isNativeDtype(x.dtype)) return runOnCpu(kernelName, args);
    if (sizeOf(x.shape) === 0) return reducedNothing(kernelName, args, axesAttr);
    const dtype = x.dtype === 'bool' && countsBools ? 'int32' : x.dtype;
    const op = plain[dtype];
    const isFloat = dtype === 'float32' && float32 !== undefined;
    if (!isFloat && op === undefined) return runOnCpu(kernelName, args);
    const axes = tf.util.parseAxisParam(attrs[axesAttr] as number | number[], x.shape);
    const shape = reducedShape(x, axes, attrs.keepDims);
    const segments = segmentsOf(x.shape, axes);
    const steps = segments.filter((segment) => segment.reduced).length;
    // A product's parts would be rounded, or wrap around, before they are multiplied.
    if (op === 'product' && steps > 1) return runOnCpu(kernelName, args);
    const reduces = steps > 0;
    if (!reduces && dtype === x.dtype) return backend.alias(x, shape);
    const y = backend.allocate(shape, dtype);
    const values = valuesAs(backend, x, dtype);
    if (!reduces) y.values.set(values);
    else if (isFloat)
      reduceSegments(backend, float32, isMean, y.values as Float32Array, values as Float32Array, segments);
    else reducePlainSegments(backend, op as PlainReduction, y.values, values, segments);
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

/** Reductions. Means of other dtypes than float32 are the cpu kernel's. */
export const reduceKernels: readonly NativeKernel[] = [
  reduction(tf.Sum, { float32: 'sum', plain: { int32: 'sum' } }),
  reduction(tf.Mean, { float32: 'sum', plain: {} }, 'axis', true),
  reduction(tf.Max, { float32: 'max', plain: { int32: 'max' } }, 'reductionIndices'),
  reduction(tf.Min, { float32: 'min', plain: { int32: 'min' } }),
  reduction(tf.Prod, { plain: { float32: 'product', int32: 'product' } }),
  reduction(tf.All, { plain: { bool: 'all' } }),
  reduction(tf.Any, { plain: { bool: 'any' } }),
];
