import { byteLength, DTYPE_BITS, type Dtype, elementCount } from './dtypes.js';
import { SafetensorsError } from './errors.js';

/**
 * A tensor's data as it lies in a file: little-endian, C order, elements below a byte packed from
 * the low bits up.
 */
export interface RawTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/**
 * The typed array of a dtype's elements. It holds their bits where JavaScript has no such number
 * (BOOL, F16, BF16, F8, F6, F4).
 */
export type TensorArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

type ArrayConstructor = {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): TensorArray;
};

const ARRAYS: Readonly<Record<Dtype, ArrayConstructor>> = {
  BOOL: Uint8Array,
  F4: Uint8Array,
  F6_E2M3: Uint8Array,
  F6_E3M2: Uint8Array,
  U8: Uint8Array,
  I8: Int8Array,
  F8_E5M2: Uint8Array,
  F8_E4M3: Uint8Array,
  F8_E8M0: Uint8Array,
  F8_E4M3FNUZ: Uint8Array,
  F8_E5M2FNUZ: Uint8Array,
  I16: Int16Array,
  U16: Uint16Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I32: Int32Array,
  U32: Uint32Array,
  F32: Float32Array,
  C64: Float32Array,
  F64: Float64Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
};

/**
 * The bytes as elements. This is a view of the same memory where they are aligned, else a copy. C64
 * gives two float32 an element (real, imaginary); sub-byte dtypes give their packed bytes.
 */
export function typedArray({ dtype, bytes }: Pick<RawTensor, 'dtype' | 'bytes'>): TensorArray {
  const array = ARRAYS[dtype];
  const aligned = bytes.byteOffset % array.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  return new array(aligned.buffer, aligned.byteOffset, aligned.byteLength / array.BYTES_PER_ELEMENT);
}

/** A float format of at most 8 bits: sign (if any), exponent, mantissa. */
interface SmallFloat {
  readonly exponentBits: number;
  readonly mantissaBits: number;
  readonly bias: number;
  /** What the bits outside the finite numbers mean. */
  readonly special: (bits: number) => number | undefined;
}

/**
 * OCP Microscaling Formats v1.0 (F4, F6, E8M0), OCP 8-bit Floating Point v1.0 (E4M3, E5M2),
 * arXiv:2206.02915 (FNUZ).
 */
const SMALL_FLOATS: Readonly<Partial<Record<Dtype, SmallFloat>>> = {
  F4: { exponentBits: 2, mantissaBits: 1, bias: 1, special: () => undefined },
  F6_E2M3: { exponentBits: 2, mantissaBits: 3, bias: 1, special: () => undefined },
  F6_E3M2: { exponentBits: 3, mantissaBits: 2, bias: 3, special: () => undefined },
  F8_E4M3: {
    exponentBits: 4,
    mantissaBits: 3,
    bias: 7,
    special: (bits) => ((bits & 0x7f) === 0x7f ? Number.NaN : undefined),
  },
  F8_E5M2: {
    exponentBits: 5,
    mantissaBits: 2,
    bias: 15,
    special: (bits) => {
      const magnitude = bits & 0x7f;
      if (magnitude < 0x7c) return undefined;
      return magnitude > 0x7c ? Number.NaN : bits > 0x7f ? -Infinity : Infinity;
    },
  },
  F8_E4M3FNUZ: {
    exponentBits: 4,
    mantissaBits: 3,
    bias: 8,
    special: (bits) => (bits === 0x80 ? Number.NaN : undefined),
  },
  F8_E5M2FNUZ: {
    exponentBits: 5,
    mantissaBits: 2,
    bias: 16,
    special: (bits) => (bits === 0x80 ? Number.NaN : undefined),
  },
  // An exponent alone, without sign or zero. All values are written as special ones, so the fields
  // below do not apply.
  F8_E8M0: {
    exponentBits: 8,
    mantissaBits: 0,
    bias: 127,
    special: (bits) => (bits === 0xff ? Number.NaN : 2 ** (bits - 127)),
  },
};

const tables = new Map<Dtype, Float32Array>();

/** The value of each bit pattern of F16 or of a smaller float. Each table is built once. */
function valueTable(dtype: Dtype): Float32Array | undefined {
  const known = tables.get(dtype);
  if (known !== undefined) return known;
  const format: SmallFloat | undefined =
    dtype === 'F16'
      ? {
          exponentBits: 5,
          mantissaBits: 10,
          bias: 15,
          special: (bits) => {
            const magnitude = bits & 0x7fff;
            if (magnitude < 0x7c00) return undefined;
            return magnitude > 0x7c00 ? Number.NaN : bits > 0x7fff ? -Infinity : Infinity;
          },
        }
      : SMALL_FLOATS[dtype];
  if (format === undefined) return undefined;
  const { exponentBits, mantissaBits, bias, special } = format;
  const table = new Float32Array(2 ** DTYPE_BITS[dtype]);
  for (let bits = 0; bits < table.length; bits++) {
    const exponent = (bits >> mantissaBits) & (2 ** exponentBits - 1);
    const mantissa = bits & (2 ** mantissaBits - 1);
    const sign = bits >> (mantissaBits + exponentBits) ? -1 : 1;
    const magnitude =
      exponent === 0
        ? mantissa * 2 ** (1 - bias - mantissaBits)
        : (2 ** mantissaBits + mantissa) * 2 ** (exponent - bias - mantissaBits);
    table[bits] = special(bits) ?? sign * magnitude;
  }
  tables.set(dtype, table);
  return table;
}

/**
 * The tensor's numbers as float32, one for each element. For F32 this is a view of the same memory
 * where it is aligned. F64 and integers beyond 2^24 are rounded to nearest. BOOL gives 0 and 1.
 *
 * Throws SafetensorsError: UnsupportedDtype for C64, InvalidTensorData if the number of bytes is
 * not what dtype and shape say.
 */
export function toFloat32(tensor: RawTensor): Float32Array {
  const { dtype, shape, bytes } = tensor;
  const expected = byteLength(dtype, shape);
  if (bytes.byteLength !== expected) {
    throw new SafetensorsError('InvalidTensorData', 'the number of bytes contradicts dtype and shape', {
      expected: `${expected} bytes for ${dtype} [${shape}]`,
      found: `${bytes.byteLength}`,
    });
  }
  if (dtype === 'C64') {
    throw new SafetensorsError('UnsupportedDtype', 'complex numbers have no float32 form', {
      expected: 'a real dtype',
      found: dtype,
    });
  }
  if (dtype === 'F32') return typedArray(tensor) as Float32Array;
  const out = new Float32Array(elementCount(shape));
  if (dtype === 'BF16') {
    const bits = typedArray(tensor) as Uint16Array;
    const outBits = new Uint32Array(out.buffer);
    for (let i = 0; i < bits.length; i++) outBits[i] = (bits[i] as number) << 16;
    return out;
  }
  const table = valueTable(dtype);
  if (table === undefined) {
    const values = typedArray(tensor);
    if (dtype === 'BOOL') for (let i = 0; i < values.length; i++) out[i] = values[i] === 0 ? 0 : 1;
    else if (values instanceof BigInt64Array || values instanceof BigUint64Array)
      for (let i = 0; i < values.length; i++) out[i] = Number(values[i]);
    else out.set(values);
    return out;
  }
  const width = DTYPE_BITS[dtype];
  if (width < 8) {
    unpack(bytes, width, out, table);
    return out;
  }
  const bits = typedArray(tensor) as Uint8Array | Uint16Array;
  for (let i = 0; i < bits.length; i++) out[i] = table[bits[i] as number] as number;
  return out;
}

/**
 * Looks up elements of `width` < 8 bits, which follow each other from the low bits of each byte up.
 */
function unpack(bytes: Uint8Array, width: number, out: Float32Array, table: Float32Array): void {
  const mask = 2 ** width - 1;
  for (let i = 0, bit = 0; i < out.length; i++, bit += width) {
    const at = Math.floor(bit / 8);
    const pair = (bytes[at] as number) | ((bytes[at + 1] ?? 0) << 8);
    out[i] = table[(pair >> (bit % 8)) & mask] as number;
  }
}

/** The dtypes that float32 numbers can be stored in. */
export type FloatDtype = 'F32' | 'F16' | 'BF16';

/**
 * Float32 numbers in a storage dtype, rounded to nearest, ties to even. F32 gives `values` itself;
 * F16 and BF16 give their bits. Numbers beyond the range become infinite. NaN stays NaN.
 */
export function fromFloat32(values: Float32Array, dtype: FloatDtype): Float32Array | Uint16Array {
  if (dtype === 'F32') return values;
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return dtype === 'F16' ? roundToF16(bits) : roundToBF16(bits);
}

function roundToBF16(bits: Uint32Array): Uint16Array {
  const out = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    const x = bits[i] as number;
    // A NaN with a payload in its low half only would round to infinity. It is made quiet instead.
    if ((x & 0x7fffffff) > 0x7f800000) out[i] = (x >>> 16) | 0x40;
    else out[i] = (x + 0x7fff + ((x >>> 16) & 1)) >>> 16;
  }
  return out;
}

/**
 * The smallest float32 bits of three ranges: beyond F16's numbers (2^16), normal in F16 (2^-14),
 * and not rounded to 0 (over 2^-25).
 */
const F16_OVERFLOW = 0x47800000;
const F16_NORMAL = 0x38800000;
const F16_NONZERO = 0x33000001;

function roundToF16(bits: Uint32Array): Uint16Array {
  const out = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    const x = bits[i] as number;
    const sign = (x >>> 16) & 0x8000;
    const a = x & 0x7fffffff;
    if (a >= F16_NORMAL && a < F16_OVERFLOW) {
      // The exponent's bias changes from 127 to 15. The carry of the rounding runs into the
      // exponent, up to infinity, as it should.
      out[i] = sign | ((a - 0x38000000 + 0xfff + ((a >>> 13) & 1)) >>> 13);
    } else if (a < F16_NONZERO) {
      out[i] = sign;
    } else if (a < F16_NORMAL) {
      // The number is subnormal: a multiple of 2^-24. The float32 significand counts 2^(exponent -
      // 150).
      const shift = 126 - (a >>> 23);
      const significand = (a & 0x7fffff) | 0x800000;
      const floor = significand >>> shift;
      const rest = significand & ((1 << shift) - 1);
      const half = 1 << (shift - 1);
      out[i] = sign | (rest > half || (rest === half && (floor & 1) === 1) ? floor + 1 : floor);
    } else {
      out[i] = sign | (a > 0x7f800000 ? 0x7e00 | ((a >>> 13) & 0x1ff) : 0x7c00);
    }
  }
  return out;
}
