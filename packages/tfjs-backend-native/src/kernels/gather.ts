import * as tf from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { type NativeKernel, nativeKernel, runOnCpu, sizeOf } from './kernel.js';
import { asWords } from './strided-copy.js';

/** Slices of x along `axis` at int32 indices; throws, naming index and position, where one is outside. */
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
  const outside = addon().gather(
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

/** Rows of x summed by segment id; ids outside 0..numSegments−1 are left out. float32 with ids of rank 1, else the cpu kernel. */
const unsortedSegmentSum = nativeKernel(tf.UnsortedSegmentSum, (args) => {
  const { backend } = args;
  const { x, segmentIds } = args.inputs as { x: tf.TensorInfo; segmentIds: tf.TensorInfo };
  const numSegments = args.attrs.numSegments as number;
  const rest = x.shape.slice(1);
  const width = sizeOf(rest);
  if (x.dtype !== 'float32' || segmentIds.shape.length !== 1 || width === 0 || numSegments === 0)
    return runOnCpu(tf.UnsortedSegmentSum, args);
  const y = backend.allocate([numSegments, ...rest], 'float32');
  addon().segmentSum(y.values, backend.float32(x), backend.int32(segmentIds), width);
  return y.info;
});

/** Gather and its gradient. */
export const gatherKernels: readonly NativeKernel[] = [gather, unsortedSegmentSum];
