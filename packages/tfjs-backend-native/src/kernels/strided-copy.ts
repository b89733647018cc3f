import { addon } from '../addon.js';
import type { NumericArray } from '../backend.js';

/** Steps, in elements, along the axes of a contiguous row-major tensor. */
export function stepsOf(shape: readonly number[]): number[] {
  const steps = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    steps[axis] = step;
    step *= shape[axis] as number;
  }
  return steps;
}

/** The same memory as float32, for functions that move 4-byte elements without looking at them. */
export function asWords(values: Float32Array | Int32Array): Float32Array {
  return values instanceof Float32Array
    ? values
    : new Float32Array(values.buffer, values.byteOffset, values.length);
}

/** Axes for the addon: extents, steps of y, steps of x; axes of extent 1 dropped, neighbours that both walk evenly made one. */
export function joinAxes(
  extents: readonly number[],
  ySteps: readonly number[],
  xSteps: readonly number[],
): Int32Array | number[] {
  const joined: [extent: number, y: number, x: number][] = [];
  extents.forEach((extent, axis) => {
    if (extent === 1) return;
    const y = ySteps[axis] as number;
    const x = xSteps[axis] as number;
    const last = joined[joined.length - 1];
    if (last !== undefined && last[1] === extent * y && last[2] === extent * x)
      joined[joined.length - 1] = [last[0] * extent, y, x];
    else joined.push([extent, y, x]);
  });
  if (joined.length === 0) joined.push([1, 1, 1]);
  const axes = [0, 1, 2].flatMap((part) => joined.map((axis) => axis[part] as number));
  // Steps beyond 2^31 elements do not fit the compact form.
  return axes.some((value) => Math.abs(value) > 0x7fffffff) ? axes : Int32Array.from(axes);
}

/** y at yOffset with ySteps = x at xOffset with xSteps, over `extents` (none of them 0). Same array types. */
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
