import { SafetensorsError } from './errors.js';

/**
 * The dtypes of the format with their width in bits, in the order of the reference's enum. A writer
 * lays tensors out in that order, from the last to the first.
 */
export const DTYPE_BITS = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
} as const;

/** The element type of a tensor, by its name in a header. */
export type Dtype = keyof typeof DTYPE_BITS;

/** All dtypes in the reference's order. */
export const DTYPES = Object.keys(DTYPE_BITS) as Dtype[];

/** Whether a string from a file names a dtype (`constructor` and the like do not). */
export function isDtype(name: string): name is Dtype {
  return Object.hasOwn(DTYPE_BITS, name);
}

/** The product of the dimensions; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

/**
 * The bytes of a tensor. Throws SafetensorsError: `MisalignedSlice` if a sub-byte dtype leaves part
 * of a byte over, `ValidationOverflow` beyond 2^53 bytes.
 */
export function byteLength(dtype: Dtype, shape: readonly number[], tensor?: string): number {
  const bits = elementCount(shape) * DTYPE_BITS[dtype];
  if (!(bits / 8 <= Number.MAX_SAFE_INTEGER)) {
    throw new SafetensorsError('ValidationOverflow', 'the size in bytes is beyond 2^53', {
      tensor,
      found: `${dtype} [${shape}]`,
    });
  }
  if (bits % 8 !== 0) {
    throw new SafetensorsError('MisalignedSlice', 'the data does not fill whole bytes', {
      tensor,
      expected: 'a multiple of 8 bits',
      found: `${bits} bits for ${dtype} [${shape}]`,
    });
  }
  return bits / 8;
}
