/** How Distributed Shampoo sees one tensor. */
export interface ShampooBlocks {
  /**
   * The shape with small neighbouring dimensions multiplied together. It has the same number of
   * elements.
   */
  readonly merged: readonly number[];
  /** For each axis of `merged`, the sizes that it is cut into. */
  readonly splits: readonly (readonly number[])[];
  /**
   * The sizes of the statistics: for each block (first axis outermost), one for each axis. Empty if
   * the tensor is not preconditioned.
   */
  readonly statistics: readonly number[];
  /**
   * p of the inverse p-th roots, which is twice the rank of a block. Undefined if the tensor is not
   * preconditioned.
   */
  readonly exponent: number | undefined;
}

/** The limits that decide about blocks. */
export interface BlockLimits {
  /** The longest side of a block. */
  readonly blockSize: number;
  /** Neighbouring dimensions are merged while their product is at most this. */
  readonly mergeSmallDimsBlockSize: number;
  /** A tensor with a longer dimension is not preconditioned. */
  readonly skipPreconditioningDimSizeGt: number;
}

/**
 * Merges dimensions from the left while the product stays within the limit. Dimensions of 1 vanish;
 * a shape of only those becomes [1]. Source: dalle-mini `scalable_shampoo/distributed_shampoo.py`,
 * merge_small_dims.
 */
export function mergeSmallDims(shape: readonly number[], limit: number): number[] {
  if (shape.length > 0 && shape.every((extent) => extent === 1)) return [1];
  const merged: number[] = [];
  let product = 1;
  for (const extent of shape) {
    if (product * extent <= limit) {
      product *= extent;
    } else {
      if (product > 1) merged.push(product);
      product = extent;
    }
  }
  if (product > 1) merged.push(product);
  return merged;
}

/**
 * The blocks and statistics of a tensor of this shape. Source: as above, BlockPartitioner and
 * Preconditioner.
 */
export function shampooBlocks(shape: readonly number[], limits: BlockLimits): ShampooBlocks {
  const merged = mergeSmallDims(shape, limits.mergeSmallDimsBlockSize);
  const splits = merged.map((extent) => cut(extent, limits.blockSize));
  const skipped = shape.length === 0 || shape.some((extent) => extent > limits.skipPreconditioningDimSizeGt);
  if (skipped) return { merged, splits, statistics: [], exponent: undefined };
  let statistics: number[][] = [[]];
  for (const sizes of splits) statistics = statistics.flatMap((block) => sizes.map((n) => [...block, n]));
  return { merged, splits, statistics: statistics.flat(), exponent: 2 * merged.length };
}

function cut(extent: number, blockSize: number): number[] {
  const sizes: number[] = [];
  for (let left = extent; left > 0; left -= blockSize) sizes.push(Math.min(left, blockSize));
  return sizes;
}
