/** The addon's elementwise functions. Operations are numbers: indices into the lists of kernels/elementwise.ts. */
export interface ElementwiseFunctions {
  /** y[i] = f(x[i]; p, q). */
  unary(op: number, y: Float32Array, x: Float32Array, p: number, q: number): void;
  /** y = f(a, b) over axes: extents of y, then the steps of a, then those of b, in elements; see kernels/broadcast.ts. */
  binary(op: number, y: Float32Array, a: Float32Array, b: Float32Array, axes: Int32Array): void;
  /** The same for int32, wrapping around. */
  binaryInt(op: number, y: Int32Array, a: Int32Array, b: Int32Array, axes: Int32Array): void;
  /** y is 1 where the comparison holds, else 0. */
  compareFloat(op: number, y: Uint8Array, a: Float32Array, b: Float32Array, axes: Int32Array): void;
  compareInt(op: number, y: Uint8Array, a: Int32Array, b: Int32Array, axes: Int32Array): void;
  /** y[i] = condition[i] ? a[i] : b[i]; all of one length. */
  selectFloat(y: Float32Array, condition: Uint8Array, a: Float32Array, b: Float32Array): void;
}

/** Every kernel function of the addon but those of products and convolutions. */
export interface KernelFunctions extends ElementwiseFunctions {}
