import { backend_util } from '@tensorflow/tfjs';
import { sizeOf } from './kernel.js';

/** The most axes that the addon walks. */
const MOST_AXES = 8;

/**
 * One array for each rank, written anew for each call. Making a small typed array costs as much as
 * a small kernel.
 */
const AXES = Array.from({ length: MOST_AXES + 1 }, (_, rank) => new Int32Array(3 * rank));

/**
 * The output shape of a broadcast, and its axes for the addon: extents, steps of a, steps of b. The
 * axes are valid until the next call.
 */
export interface BroadcastPlan {
  readonly shape: number[];
  readonly axes: Int32Array;
}

/** Whether both shapes have the same extents. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function oneAxis(extent: number, aStep: number, bStep: number): Int32Array {
  const axes = AXES[1] as Int32Array;
  axes[0] = extent;
  axes[1] = aStep;
  axes[2] = bStep;
  return axes;
}

/**
 * The shape of f(a, b) by numpy's broadcasting. Throws tfjs's error where the shapes do not
 * broadcast.
 */
function broadcastShape(aShape: readonly number[], bShape: readonly number[]): number[] {
  const isLonger = aShape.length >= bShape.length;
  const shape = isLonger ? aShape.slice() : bShape.slice();
  const other = isLonger ? bShape : aShape;
  const ahead = shape.length - other.length;
  for (let axis = 0; axis < other.length; axis++) {
    const extent = other[axis] as number;
    if (shape[ahead + axis] === extent || extent === 1) continue;
    if (shape[ahead + axis] !== 1) return backend_util.assertAndGetBroadcastShape([...aShape], [...bShape]);
    shape[ahead + axis] = extent;
  }
  return shape;
}

/** Joined axes of the current plan, from the last to the first. */
const extents = new Array<number>(MOST_AXES).fill(0);
const aSteps = new Array<number>(MOST_AXES).fill(0);
const bSteps = new Array<number>(MOST_AXES).fill(0);

/**
 * Plans f(a, b) with numpy's broadcasting. Axes of extent 1 are dropped. Neighbouring axes that
 * both operands walk evenly become one, so most cases have one or two axes. Returns undefined where
 * more than 8 axes remain. Throws tfjs's error where the shapes do not broadcast.
 */
export function planBroadcast(aShape: number[], bShape: number[]): BroadcastPlan | undefined {
  if (sameShape(aShape, bShape)) return { shape: aShape, axes: oneAxis(sizeOf(aShape), 1, 1) };
  const shape = broadcastShape(aShape, bShape);
  if (sizeOf(bShape) === 1) return { shape, axes: oneAxis(sizeOf(shape), 1, 0) };
  if (sizeOf(aShape) === 1) return { shape, axes: oneAxis(sizeOf(shape), 0, 1) };
  let rank = 0;
  let aStride = 1;
  let bStride = 1;
  for (let axis = 1; axis <= shape.length; axis++) {
    const extent = shape[shape.length - axis] as number;
    const aExtent = axis <= aShape.length ? (aShape[aShape.length - axis] as number) : 1;
    const bExtent = axis <= bShape.length ? (bShape[bShape.length - axis] as number) : 1;
    if (extent !== 1) {
      const aStep = aExtent === 1 ? 0 : aStride;
      const bStep = bExtent === 1 ? 0 : bStride;
      const within = rank > 0 ? (extents[rank - 1] as number) : 0;
      if (
        rank > 0 &&
        aStep === (aSteps[rank - 1] as number) * within &&
        bStep === (bSteps[rank - 1] as number) * within
      )
        extents[rank - 1] = within * extent;
      else {
        if (rank === MOST_AXES) return undefined;
        extents[rank] = extent;
        aSteps[rank] = aStep;
        bSteps[rank] = bStep;
        rank += 1;
      }
    }
    aStride *= aExtent;
    bStride *= bExtent;
  }
  const axes = AXES[rank] as Int32Array;
  for (let i = 0; i < rank; i++) {
    axes[i] = extents[rank - 1 - i] as number;
    axes[rank + i] = aSteps[rank - 1 - i] as number;
    axes[2 * rank + i] = bSteps[rank - 1 - i] as number;
  }
  return { shape, axes };
}

/**
 * planBroadcast for the addon's functions of two arrays. Where both shapes are the same, these
 * functions need no axes.
 */
export function planPair(
  aShape: number[],
  bShape: number[],
): { readonly shape: number[]; readonly axes: Int32Array | null } | undefined {
  return sameShape(aShape, bShape) ? { shape: aShape, axes: null } : planBroadcast(aShape, bShape);
}
