import type { SourceEntry } from './tensor-source.js';

/** NumPy's names of the dtypes that Flax writes. */
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
]);
