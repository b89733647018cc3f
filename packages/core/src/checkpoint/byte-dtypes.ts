/** Integers and floats of ml_dtypes that safetensors has no name for; each element fills a byte. */
const BYTE_INTEGERS = {
  int1: { bits: 1, signed: true },
  int2: { bits: 2, signed: true },
  int4: { bits: 4, signed: true },
  uint1: { bits: 1, signed: false },
  uint2: { bits: 2, signed: false },
  uint4: { bits: 4, signed: false },
} as const;

/**
 * `ieee`: the largest exponent is that of infinities and NaN. `fnuz`: a negative zero is NaN. Else
 * every pattern is a finite number.
 */
const BYTE_FLOATS = {
  float4_e2m1fn: { exponentBits: 2, mantissaBits: 1, bias: 1, special: 'none' },
  float6_e2m3fn: { exponentBits: 2, mantissaBits: 3, bias: 1, special: 'none' },
  float6_e3m2fn: { exponentBits: 3, mantissaBits: 2, bias: 3, special: 'none' },
  float8_e3m4: { exponentBits: 3, mantissaBits: 4, bias: 3, special: 'ieee' },
  float8_e4m3: { exponentBits: 4, mantissaBits: 3, bias: 7, special: 'ieee' },
  float8_e4m3b11fnuz: { exponentBits: 4, mantissaBits: 3, bias: 11, special: 'fnuz' },
} as const;

/** A dtype of ml_dtypes by its own name, whose elements fill a byte each. */
export type ByteDtype = keyof typeof BYTE_INTEGERS | keyof typeof BYTE_FLOATS;

/** All names of ByteDtype. */
export const BYTE_DTYPES = [
  ...Object.keys(BYTE_INTEGERS),
  ...Object.keys(BYTE_FLOATS),
] as readonly ByteDtype[];

/** Whether a dtype is one of them. */
export function isByteDtype(dtype: string): dtype is ByteDtype {
  return Object.hasOwn(BYTE_INTEGERS, dtype) || Object.hasOwn(BYTE_FLOATS, dtype);
}

const tables = new Map<ByteDtype, Float32Array>();

/**
 * The numbers of elements of a byte each, as float32, which holds all of them. Of an element that
 * has fewer bits the high ones are not looked at. Source: jax-ml/ml_dtypes `include/float8.h`,
 * `include/mxfloat.h`, `include/intn.h`.
 */
export function byteNumbers(dtype: ByteDtype, bytes: Uint8Array): Float32Array {
  let table = tables.get(dtype);
  if (table === undefined) {
    table = Float32Array.from({ length: 256 }, (_, byte) => numberOf(dtype, byte));
    tables.set(dtype, table);
  }
  return Float32Array.from(bytes, (byte) => (table as Float32Array)[byte] as number);
}

function numberOf(dtype: ByteDtype, byte: number): number {
  if (isInteger(dtype)) {
    const { bits, signed } = BYTE_INTEGERS[dtype];
    const value = byte & (2 ** bits - 1);
    return signed && value >= 2 ** (bits - 1) ? value - 2 ** bits : value;
  }
  const { exponentBits, mantissaBits, bias, special } = BYTE_FLOATS[dtype];
  const negative = (byte >> (exponentBits + mantissaBits)) & 1;
  const exponent = (byte >> mantissaBits) & (2 ** exponentBits - 1);
  const mantissa = byte & (2 ** mantissaBits - 1);
  const sign = negative === 1 ? -1 : 1;
  if (special === 'fnuz' && byte === 0x80) return Number.NaN;
  if (special === 'ieee' && exponent === 2 ** exponentBits - 1)
    return mantissa === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0
    ? sign * mantissa * 2 ** (1 - bias - mantissaBits)
    : sign * (2 ** mantissaBits + mantissa) * 2 ** (exponent - bias - mantissaBits);
}

function isInteger(dtype: ByteDtype): dtype is keyof typeof BYTE_INTEGERS {
  return Object.hasOwn(BYTE_INTEGERS, dtype);
}
