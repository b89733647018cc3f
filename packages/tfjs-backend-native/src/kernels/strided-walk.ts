import * as tf from '@tensorflow/tfjs';
import { stepsOf } from '../strided-copy.js';
import { sizeOf } from './kernel.js';

/** Which elements of a contiguous tensor x a strided slice takes, in the order of its result. */
export interface StridedWalk {
  /** How many places are taken along each axis of x; 1 along a shrunk axis. */
  readonly extents: readonly number[];
  /** The place of the first element in x. */
  readonly offset: number;
  /** The steps along the axes of x, in elements. */
  readonly xSteps: readonly number[];
}

/**
 * The walk of a StridedSlice over x, and the shape of its result. tfjs resolves the masks into a
 * begin, an end and a stride for each axis of x. It gives the result's shape without the shrunk
 * axes, so the extents are computed here; a shrunk axis is one place long, whatever its stride.
 * Throws tfjs's Error for a stride of 0, or for a shrunk index outside of its axis.
 */
export function stridedWalk(
  xShape: number[],
  attrs: Readonly<Record<string, unknown>>,
): StridedWalk & { readonly finalShape: number[] } {
  const a = attrs as unknown as tf.StridedSliceAttrs;
  const { begin, end, strides, finalShape } = tf.slice_util.sliceInfo(
    xShape,
    a.begin,
    a.end,
    a.strides,
    a.beginMask,
    a.endMask,
    a.ellipsisMask,
    a.newAxisMask,
    a.shrinkAxisMask,
  );
  const steps = stepsOf(xShape);
  return {
    finalShape,
    extents: begin.map((first, axis) =>
      Math.max(0, Math.ceil(((end[axis] as number) - first) / (strides[axis] as number))),
    ),
    offset: begin.reduce((sum, first, axis) => sum + first * (steps[axis] as number), 0),
    xSteps: strides.map((stride, axis) => stride * (steps[axis] as number)),
  };
}

/** The places in x, one for each element of the result. */
export function placesOf({ extents, offset, xSteps }: StridedWalk): number[] {
  const steps = stepsOf(extents);
  const along = (i: number, axis: number): number =>
    (Math.floor(i / (steps[axis] as number)) % (extents[axis] as number)) * (xSteps[axis] as number);
  return Array.from({ length: sizeOf(extents) }, (_, i) =>
    extents.reduce((place, _extent, axis) => place + along(i, axis), offset),
  );
}
