/** The shape after a permutation of axes: axis i of the result is axis `axes[i]` of the input. */
export function permutedShape(shape: readonly number[], axes: readonly number[]): number[] {
  return axes.map((axis) => shape[axis] as number);
}

/** Whether `axes` holds each of 0 … rank − 1 once. */
export function isPermutation(axes: readonly number[], rank: number): boolean {
  return (
    axes.length === rank &&
    axes.every((axis) => Number.isInteger(axis) && axis >= 0 && axis < rank) &&
    new Set(axes).size === rank
  );
}

/** How many elements one step on each axis moves on, in C order. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis] as number;
  }
  return strides;
}

/**
 * Rearranges numbers from C order of `shape` into C order of the permuted shape, as numpy.transpose
 * does. Axis i of the result is axis `axes[i]` of the input.
 */
export function permute(
  values: Float32Array,
  shape: readonly number[],
  axes: readonly number[],
): Float32Array {
  const strides = stridesOf(shape);
  const outStrides = axes.map((axis) => strides[axis] as number);
  return gatherStrided(values, permutedShape(shape, axes), outStrides, new Float32Array(values.length));
}

/**
 * Fills `out`, in C order of `shape`, with the elements of `values` that lie `strides` apart on
 * each axis. The first one is at 0. Every index that this asks for must be inside of `values`;
 * `out` has as many elements as the shape.
 */
export function gatherStrided<Values extends { readonly length: number; [index: number]: number | bigint }>(
  values: Values,
  shape: readonly number[],
  strides: readonly number[],
  out: Values,
): Values {
  if (out.length === 0) return out;
  const last = shape.length - 1;
  const width = shape[last] ?? 1;
  const step = strides[last] ?? 1;
  const index = new Array<number>(Math.max(0, last)).fill(0);
  let from = 0;
  for (let to = 0; to < out.length; to += width) {
    for (let i = 0, at = from; i < width; i++, at += step) out[to + i] = values[at] as Values[number];
    // Counts the other axes up like an odometer, and keeps `from` in step.
    for (let axis = last - 1; axis >= 0; axis--) {
      const stride = strides[axis] as number;
      from += stride;
      const next = (index[axis] as number) + 1;
      if (next < (shape[axis] as number)) {
        index[axis] = next;
        break;
      }
      index[axis] = 0;
      from -= next * stride;
    }
  }
  return out;
}
