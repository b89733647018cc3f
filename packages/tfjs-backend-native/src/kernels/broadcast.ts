import { backend_util } from '@tensorflow/tfjs';
import { sizeOf } from './kernel.js';

/** Axes that the addon walks at most. */
const MOST_AXES = 8;

/** One array a rank, written anew for each call: making a small typed array costs as much as a small kernel. */
const AXES = Array.from({ length: MOST_AXES + 1 }, (_, rank) => new Int32Array(3 * rank));

/** Output shape of a broadcast, and its axes for the addon: extents, steps of a, steps of b. Valid until the next call. */
export interface BroadcastPlan {
  readonly shape: number[];
  readonly axes: Int32Array;
}

/** True where both shapes have the same extents. */
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
 * Plans f(a, b) with numpy's broadcasting: axes of extent 1 are dropped, and neighbours that both operands walk evenly become one, so most
 * cases have one or two. Undefined where more than 8 axes remain. Throws tfjs's own error where the shapes do not broadcast.
 */
export function planBroadcast(aShape: number[], bShape: number[]): BroadcastPlan | undefined {
  if (sameShape(aShape, bShape)) return { shape: aShape, axes: oneAxis(sizeOf(aShape), 1, 1) };
  const shape = backend_util.assertAndGetBroadcastShape(aShape, bShape);
  const size = sizeOf(shape);
  if (sizeOf(bShape) === 1) return { shape, axes: oneAxis(size, 1, 0) };
  if (sizeOf(aShape) === 1) return { shape, axes: oneAxis(size, 0, 1) };
  const extents: number[] = [];
  const aSteps: number[] = [];
  const bSteps: number[] = [];
  let aStride = 1;
  let bStride = 1;
  // From the last axis to the first; the lists are reversed at the end.
  for (let axis = 1; axis <= shape.length; axis++) {
    const extent = shape[shape.length - axis] as number;
    const aExtent = aShape[aShape.length - axis] ?? 1;
    const bExtent = bShape[bShape.length - axis] ?? 1;
    if (extent !== 1) {
      const aStep = aExtent === 1 ? 0 : aStride;
      const bStep = bExtent === 1 ? 0 : bStride;
      const last = extents.length - 1;
      const within = extents[last] as number;
      if (
        last >= 0 &&
        aStep === (aSteps[last] as number) * within &&
        bStep === (bSteps[last] as number) * within
      )
        extents[last] = within * extent;
      else {
        extents.push(extent);
        aSteps.push(aStep);
        bSteps.push(bStep);
      }
    }
    aStride *= aExtent;
    bStride *= bExtent;
  }
  const rank = extents.length;
  if (rank > MOST_AXES) return undefined;
  const axes = AXES[rank] as Int32Array;
  for (let i = 0; i < rank; i++) {
    axes[i] = extents[rank - 1 - i] as number;
    axes[rank + i] = aSteps[rank - 1 - i] as number;
    axes[2 * rank + i] = bSteps[rank - 1 - i] as number;
  }
  return { shape, axes };
}

/** planBroadcast for the addon's functions of two arrays, which need no axes where both shapes are the same. */
export function planPair(
  aShape: number[],
  bShape: number[],
): { readonly shape: number[]; readonly axes: Int32Array | null } | undefined {
  return sameShape(aShape, bShape) ? { shape: aShape, axes: null } : planBroadcast(aShape, bShape);
}
