/** The arrays that hold tensors of the dtypes float32, int32 and bool. */
export type NumericArray = Float32Array | Int32Array | Uint8Array;

/** Whether values are an array of one of those types. Strings and complex numbers are not. */
export function isNumericArray(values: unknown): values is NumericArray {
  return values instanceof Float32Array || values instanceof Int32Array || values instanceof Uint8Array;
}
