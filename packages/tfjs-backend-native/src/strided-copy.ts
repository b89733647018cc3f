import { addon } from './addon.js';
import type { NumericArray } from './numeric-array.js';

/** The steps, in elements, along the axes of a contiguous row-major tensor. */
export function stepsOf(shape: readonly number[]): number[] {
  const steps = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    steps[axis] = step;
    step *= shape[axis] as number;
  }
  return steps;
}

/**
 * The same memory as float32, for functions that move 4-byte elements without interpreting them.
 */
export function asWords(values: Float32Array | Int32Array): Float32Array {
  return values instanceof Float32Array
    ? values
    : new Float32Array(values.buffer, values.byteOffset, values.length);
}

/** The most axes that the addon's copies walk. */
const MOST_AXES = 12;
/**
 * One array for each length, written anew for each call. Making a small typed array costs as much
 * as a small copy.
 */
const INTS = Array.from({ length: 3 * MOST_AXES + 1 }, (_, length) => new Int32Array(length));

/** An array for the addon's axes, valid until the next call with that length. */
export function axesArray(length: number): Int32Array {
  return INTS[length] ?? new Int32Array(length);
}

/** The extents of the axes joined so far. */
const joinedExtents: number[] = [];
const joinedY: number[] = [];
const joinedX: number[] = [];

/**
 * The axes for the addon: extents, steps of y, steps of x. Axes of extent 1 are dropped, and
 * neighbours that both operands walk evenly become one. Valid until the next call.
 */
export function joinAxes(
  extents: readonly number[],
  ySteps: readonly number[],
  xSteps: readonly number[],
): Int32Array | number[] {
  let rank = 0;
  let largest = 1;
  for (let axis = 0; axis < extents.length; axis++) {
    let extent = extents[axis] as number;
    if (extent === 1) continue;
    const y = ySteps[axis] as number;
    const x = xSteps[axis] as number;
    if (rank > 0 && joinedY[rank - 1] === extent * y && joinedX[rank - 1] === extent * x) {
      rank -= 1;
      extent *= joinedExtents[rank] as number;
    }
    joinedExtents[rank] = extent;
    joinedY[rank] = y;
    joinedX[rank] = x;
    largest = Math.max(largest, extent, Math.abs(y), Math.abs(x));
    rank += 1;
  }
  if (rank === 0) {
    joinedExtents[0] = joinedY[0] = joinedX[0] = 1;
    rank = 1;
  }
  // Steps beyond 2³¹ elements do not fit into an Int32Array.
  const axes = largest > 0x7fffffff ? new Array<number>(3 * rank) : axesArray(3 * rank);
  for (let i = 0; i < rank; i++) {
    axes[i] = joinedExtents[i] as number;
    axes[rank + i] = joinedY[i] as number;
    axes[2 * rank + i] = joinedX[i] as number;
  }
  return axes;
}

/**
 * y at yOffset with ySteps = x at xOffset with xSteps, over `extents` (none of them 0). Both arrays
 * have one type.
 */
export function stridedCopy(
  y: NumericArray,
  yOffset: number,
  ySteps: readonly number[],
  x: NumericArray,
  xOffset: number,
  xSteps: readonly number[],
  extents: readonly number[],
): void {
  const axes = joinAxes(extents, ySteps, xSteps);
  if (y instanceof Uint8Array) addon().copyBytes(y, yOffset, x as Uint8Array, xOffset, axes);
  else addon().copyWords(asWords(y), yOffset, asWords(x as Int32Array), xOffset, axes);
}

/** Whether a dtype is one whose elements are moved natively. */
export function isNativeDtype(dtype: string): dtype is 'float32' | 'int32' | 'bool' {
  return dtype === 'float32' || dtype === 'int32' || dtype === 'bool';
}
