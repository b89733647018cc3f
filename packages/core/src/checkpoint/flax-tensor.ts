/** A tensor of a Flax file, by our names. */
export interface FlaxTensor {
  /** Its keys, joined with dots. */
  readonly name: string;
  /**
   * The weight that the tensor is. If `stacked`, these are the same weight of each layer in order,
   * on a new leading axis.
   */
  readonly weights: readonly string[];
  readonly stacked: boolean;
}
