export { type ByteFile, memoryFile } from './byte-file.js';
export {
  deserialize,
  type Layout,
  layOut,
  type Metadata,
  serialize,
  type TensorData,
  type TensorEntry,
  TensorView,
} from './bytes.js';
export { byteLength, DTYPE_BITS, DTYPES, type Dtype, elementCount, isDtype } from './dtypes.js';
export { SafetensorsError, type SafetensorsErrorDetails, type SafetensorsErrorKind } from './errors.js';
export { SafetensorsFile } from './file.js';
export {
  type FloatDtype,
  fromFloat32,
  type RawTensor,
  type TensorArray,
  toFloat32,
  typedArray,
} from './floats.js';
export { type Header, MAX_HEADER_BYTES, parseHeader, parseHeaderLength, type TensorInfo } from './header.js';
export { parseIndex, ShardedSafetensors, type ShardIndex } from './sharded.js';
