import { BYTE_DTYPES } from './byte-dtypes.js';
import type { SourceEntry } from './tensor-source.js';

/** The names by which Flax writes dtypes: NumPy's, and those of ml_dtypes. */
export const NUMPY_DTYPES: ReadonlyMap<string, SourceEntry['dtype']> = new Map<string, SourceEntry['dtype']>([
  ['float32', 'F32'],
  ['float16', 'F16'],
  ['bfloat16', 'BF16'],
  ['float64', 'F64'],
  ['int8', 'I8'],
  ['int16', 'I16'],
  ['int32', 'I32'],
  ['int64', 'I64'],
  ['uint8', 'U8'],
  ['uint16', 'U16'],
  ['uint32', 'U32'],
  ['uint64', 'U64'],
  ['bool', 'BOOL'],
  ['complex64', 'C64'],
  ['complex128', 'C128'],
  ['complex32', 'C32'],
  ['bcomplex32', 'C32'],
  ['float8_e4m3fn', 'F8_E4M3'],
  ['float8_e5m2', 'F8_E5M2'],
  ['float8_e4m3fnuz', 'F8_E4M3FNUZ'],
  ['float8_e5m2fnuz', 'F8_E5M2FNUZ'],
  ['float8_e8m0fnu', 'F8_E8M0'],
  ...BYTE_DTYPES.map((name) => [name, name] as const),
]);
