/** Shape after a permutation of axes: axis i of the result is axis `axes[i]` of the input. */
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

/**
 * Numbers in C order of `shape`, rearranged into C order of the permuted shape: what numpy.transpose does. Axis i of the result is
 * axis `axes[i]` of the input.
 */
export function permute(
  values: Float32Array,
  shape: readonly number[],
  axes: readonly number[],
): Float32Array {
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((product, dim) => product * dim, 1));
  const outShape = permutedShape(shape, axes);
  const outStrides = axes.map((axis) => strides[axis] as number);
  const out = new Float32Array(values.length);
  if (out.length === 0 || outShape.length === 0) {
    out.set(values);
    return out;
  }
  const last = outShape.length - 1;
  const width = outShape[last] as number;
  const step = outStrides[last] as number;
  const index = new Array<number>(last).fill(0);
  let from = 0;
  for (let to = 0; to < out.length; to += width) {
    for (let i = 0, at = from; i < width; i++, at += step) out[to + i] = values[at] as number;
    // Counts the other axes up like an odometer, keeping `from` in step.
    for (let axis = last - 1; axis >= 0; axis--) {
      const stride = outStrides[axis] as number;
      from += stride;
      const next = (index[axis] as number) + 1;
      if (next < (outShape[axis] as number)) {
        index[axis] = next;
        break;
      }
      index[axis] = 0;
      from -= next * stride;
    }
  }
  return out;
}
