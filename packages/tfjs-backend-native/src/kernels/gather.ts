import * as tf from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { asWords, isNativeDtype } from '../strided-copy.js';
import { requireFloat32 } from './activation.js';
import {
  type FusedArguments,
  fusedKernel,
  type KernelArguments,
  type NativeKernel,
  nativeKernel,
  runOnCpu,
  sizeOf,
} from './kernel.js';
import { fillValues } from './movement.js';

/**
 * Slices of x along `axis` at int32 indices. Throws RangeError that names index and position where
 * an index is outside of the axis.
 */
const gather = nativeKernel(tf.GatherV2, (args) => {
  const { backend } = args;
  const { x, indices } = args.inputs as { x: tf.TensorInfo; indices: tf.TensorInfo };
  const axis = tf.util.parseAxisParam(args.attrs.axis as number, x.shape)[0] as number;
  const isWords = x.dtype === 'float32' || x.dtype === 'int32';
  if (!isWords || sizeOf(x.shape) === 0 || sizeOf(indices.shape) === 0) return runOnCpu(tf.GatherV2, args);
  const shape = tf.backend_util.segment_util.collectGatherOpShapeInfo(
    x,
    indices,
    axis,
    (args.attrs.batchDims as number | undefined) ?? 0,
  );
  const { batchSize, outerSize, dimSize, sliceSize, outputShape } = shape;
  const y = backend.allocate(outputShape, x.dtype as 'float32' | 'int32');
  const ids = backend.int32(indices);
  const packed = axis === 0 && batchSize === 1 ? backend.packedMatrix(x) : undefined;
  const outside =
    packed !== undefined
      ? packed.rowsAt(y.values as Float32Array, ids)
      : addon().gather(
          asWords(y.values as Float32Array),
          asWords(backend.values(x) as Float32Array),
          ids,
          batchSize,
          outerSize,
          dimSize,
          sliceSize,
        );
  if (outside >= 0) {
    backend.disposeData(y.info.dataId);
    throw new RangeError(
      `GatherV2: the index value ${ids[outside]} is not in [0, ${dimSize - 1}] (position ${outside} of the indices)`,
    );
  }
  return y.info;
});

/**
 * Rows of x summed by segment id; ids outside 0..numSegments−1 are left out. float32 in C++, int32
 * and bool here, to int32; segment ids of several axes stand for rows of as many.
 */
const unsortedSegmentSum = nativeKernel(tf.UnsortedSegmentSum, (args) => {
  const { backend } = args;
  const { x, segmentIds } = args.inputs as { x: tf.TensorInfo; segmentIds: tf.TensorInfo };
  const numSegments = args.attrs.numSegments as number;
  const rest = x.shape.slice(segmentIds.shape.length);
  const width = sizeOf(rest);
  if (!isNativeDtype(x.dtype)) return runOnCpu(tf.UnsortedSegmentSum, args);
  if (!tf.util.arraysEqual(segmentIds.shape, x.shape.slice(0, segmentIds.shape.length)))
    throw new Error(
      `UnsortedSegmentSum: segmentIds [${segmentIds.shape}] are not the first axes of x [${x.shape}].`,
    );
  const ids = backend.int32(segmentIds);
  if (x.dtype === 'float32') {
    const y = backend.allocate([numSegments, ...rest], 'float32');
    if (y.values.length > 0) addon().segmentSum(y.values, backend.float32(x), ids, width);
    return y.info;
  }
  const y = backend.allocate([numSegments, ...rest], 'int32');
  y.values.fill(0);
  const values = backend.values(x);
  for (const [row, id] of ids.entries())
    if (id >= 0 && id < numSegments)
      for (let i = 0; i < width; i++)
        y.values[id * width + i] = (y.values[id * width + i] as number) + (values[row * width + i] as number);
  return y.info;
});

type ScatterAddArguments = FusedArguments<Record<'rows' | 'ids', tf.TensorInfo>, { entries: number }>;

/**
 * out[ids[r]] += rows[r], from zeros [entries, ..]: the sum of UnsortedSegmentSum, under a name
 * that promises one pass over the rows. Ids outside of 0 … entries − 1 are left out.
 */
export const scatterAdd = fusedKernel('ScatterAdd', ({ inputs, backend, attrs }: ScatterAddArguments) => {
  const { rows, ids } = inputs;
  const { entries } = attrs;
  requireFloat32('ScatterAdd', { rows });
  if (ids.dtype !== 'int32' || rows.shape.length === 0 || `${ids.shape}` !== `${rows.shape[0]}`)
    throw new Error(
      `ScatterAdd: expected rows [R, ..] and int32 ids [R], got [${rows.shape}] and ${ids.dtype} [${ids.shape}].`,
    );
  if (!(Number.isInteger(entries) && entries >= 0))
    throw new Error(`ScatterAdd: expected entries to be an integer from 0, got ${entries}.`);
  const rest = rows.shape.slice(1);
  const out = backend.allocate([entries, ...rest], 'float32');
  if (out.values.length > 0)
    addon().segmentSum(out.values, backend.float32(rows), backend.int32(ids), sizeOf(rest));
  return out.info;
});

/**
 * The positions, in slices of `shape`, of indices [.., depth] into its first axes. Each component
 * must lie on its own axis, as in TensorFlow. tfjs's cpu kernels check the flat position alone, and
 * would take a neighbour. Throws RangeError that names kernel, place, component and axis.
 */
function positionsOf(
  kernelName: string,
  indices: Int32Array,
  depth: number,
  shape: readonly number[],
): Int32Array {
  const positions = new Int32Array(depth === 0 ? 0 : indices.length / depth);
  for (let i = 0; i < positions.length; i++) {
    let position = 0;
    for (let axis = 0; axis < depth; axis++) {
      const component = indices[i * depth + axis] as number;
      const extent = shape[axis] as number;
      if (component < 0 || component >= extent)
        throw new RangeError(
          `${kernelName}: Invalid indices: row ${i}, [${indices.subarray(i * depth, (i + 1) * depth)}], does not index into [${shape}]: ${component} is not in [0, ${extent}) of axis ${axis}`,
        );
      position = position * extent + component;
    }
    positions[i] = position;
  }
  return positions;
}

/**
 * Sums of updates at indices of a tensor of zeros. float32 runs natively, the rest on the cpu
 * kernel.
 */
const scatterNd = nativeKernel(tf.ScatterNd, (args) => {
  const { backend } = args;
  const { indices, updates } = args.inputs as { indices: tf.TensorInfo; updates: tf.TensorInfo };
  const { shape } = args.attrs as { shape: number[] };
  const { sliceRank, sliceSize, outputSize } = tf.backend_util.calculateShapes(updates, indices, shape);
  const size = sizeOf(updates.shape);
  const positions = positionsOf(tf.ScatterNd, backend.int32(indices), sliceRank, shape);
  const isNative = updates.dtype === 'float32' && outputSize > 0 && size > 0 && sliceRank > 0;
  if (!isNative || positions.length * sliceSize !== size) return runOnCpu(tf.ScatterNd, args);
  const y = backend.allocate(shape, 'float32');
  addon().segmentSum(y.values, backend.float32(updates), positions, sliceSize);
  return y.info;
});

/**
 * A kernel of the cpu backend that writes slices at indices, with each index checked on its own
 * axis.
 */
function checkedScatter(
  kernelName: string,
  shapeOf: (args: KernelArguments) => readonly number[],
): NativeKernel {
  return nativeKernel(kernelName, (args) => {
    const { indices } = args.inputs as { indices?: tf.TensorInfo; sparseIndices?: tf.TensorInfo };
    const where = indices ?? (args.inputs.sparseIndices as tf.TensorInfo);
    const depth = where.shape.length < 2 ? 1 : (where.shape.at(-1) as number);
    positionsOf(kernelName, args.backend.int32(where), depth, shapeOf(args));
    return runOnCpu(kernelName, args);
  });
}

/** A tensor with slices replaced at indices, the last of equal ones. */
const tensorScatterUpdate = nativeKernel(tf.TensorScatterUpdate, (args) => {
  const { backend } = args;
  const { tensor, indices, updates } = args.inputs as Record<'tensor' | 'indices' | 'updates', tf.TensorInfo>;
  const { dtype, shape } = tensor;
  const depth = indices.shape.length < 2 ? 1 : (indices.shape.at(-1) as number);
  const places = positionsOf(tf.TensorScatterUpdate, backend.int32(indices), depth, shape);
  const size = sizeOf(shape.slice(depth));
  if (!isNativeDtype(dtype) || updates.dtype !== dtype || sizeOf(updates.shape) !== places.length * size)
    return runOnCpu(tf.TensorScatterUpdate, args);
  const y = backend.allocate(shape, dtype);
  y.values.set(backend.values(tensor));
  const rows = backend.values(updates);
  for (let i = 0; i < places.length; i++)
    y.values.set(rows.subarray(i * size, (i + 1) * size), (places[i] as number) * size);
  return y.info;
});

/** Values at indices of a tensor of one value. */
const sparseToDense = checkedScatter(
  tf.SparseToDense,
  ({ attrs }) => (attrs as { outputShape: number[] }).outputShape,
);

/**
 * Slices of params at indices [.., depth] into its first axes. float32 and int32 run natively, the
 * rest on the cpu kernel.
 */
const gatherNd = nativeKernel(tf.GatherNd, (args) => {
  const { backend } = args;
  const { params, indices } = args.inputs as { params: tf.TensorInfo; indices: tf.TensorInfo };
  const isWords = params.dtype === 'float32' || params.dtype === 'int32';
  const depth = indices.shape[indices.shape.length - 1] as number;
  const positions = positionsOf(tf.GatherNd, backend.int32(indices), depth, params.shape);
  if (!isWords || indices.dtype !== 'int32' || sizeOf(params.shape) === 0 || sizeOf(indices.shape) === 0)
    return runOnCpu(tf.GatherNd, args);
  const [shape, , sliceSize] = tf.backend_util.prepareAndValidate(
    params as unknown as tf.TensorInfo,
    indices,
  );
  const slices = sizeOf(params.shape) / sliceSize;
  const y = backend.allocate(shape, params.dtype as 'float32' | 'int32');
  addon().gather(
    asWords(y.values as Float32Array),
    asWords(backend.values(params) as Float32Array),
    positions,
    1,
    1,
    slices,
    sliceSize,
  );
  return y.info;
});

/** Rows of `depth` elements: `onValue` at each index, `offValue` elsewhere. */
const oneHot = nativeKernel(tf.OneHot, (args) => {
  const { backend } = args;
  const { indices } = args.inputs as { indices: tf.TensorInfo };
  const { dtype, depth, onValue, offValue } = args.attrs as unknown as tf.OneHotAttrs;
  if ((dtype !== 'int32' && dtype !== 'float32') || indices.dtype !== 'int32')
    return runOnCpu(tf.OneHot, args);
  const y = backend.allocate([...indices.shape, depth], dtype);
  fillValues(y.values, offValue);
  const places = backend.int32(indices);
  for (let row = 0; row < places.length; row++) {
    const index = places[row] as number;
    if (index >= 0 && index < depth) y.values[row * depth + index] = onValue;
  }
  return y.info;
});

/** Gather and its gradient, by one index or by several. */
export const gatherKernels: readonly NativeKernel[] = [
  gather,
  unsortedSegmentSum,
  scatterNd,
  tensorScatterUpdate,
  sparseToDense,
  gatherNd,
  oneHot,
];
